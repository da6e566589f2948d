// Small drawings for buttons, on a square of 18: lines in the colour of the text.

const ICONS = {
  cursor: "M9 2v5M9 11v5M2 9h5M11 9h5",
  level: "M2 9h14M9 7v4",
  line: "M4 14 14 4M3 13.2a1.4 1.4 0 1 0 1.9 1.9M13.2 3a1.4 1.4 0 1 0 1.9 1.9",
  measure: "M2.5 6.5h13v5h-13zM5.5 6.5v2.2M9 6.5v3M12.5 6.5v2.2",
  remove: "M3.5 5h11M7 5V3.4h4V5M5 5l.7 9.8h6.6L13 5M7.6 7.6v4.6M10.4 7.6v4.6",
  compare: "M2.5 12.5 6.5 7l3.5 3.5 5.5-7M2.5 15.5l4-2 3.5 1.2 5.5-3.2",
  fit: "M2.5 6V2.5H6M12 2.5h3.5V6M15.5 12v3.5H12M6 15.5H2.5V12",
  save: "M9 2.5v8.2M5.8 7.8 9 11l3.2-3.2M3 12.5v3h12v-3",
  up: "M4.5 11 9 6.5l4.5 4.5",
  down: "M4.5 7 9 11.5 13.5 7",
  fold: "M4 9h10",
  unfold: "M4 9h10M9 4v10",
};

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

export function icon(parent, name) {
  const svg = document.createElementNS(SVG_NAMESPACE, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 18 18", width: 18, height: 18, "aria-hidden": "true", class: "tk-icon" })) svg.setAttribute(key, value);
  const path = document.createElementNS(SVG_NAMESPACE, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  parent.append(svg);
  return svg;
}

// A button with a picture: `title` is said, and shown when it is pointed at.
export function iconButton(parent, name, title, action, signal) {
  const button = element(parent, "button", "tk-button tk-icon-button");
  button.type = "button";
  button.title = title;
  button.setAttribute("aria-label", title);
  icon(button, name);
  button.addEventListener("click", action, { signal });
  return button;
}
