// What the chart is coloured with, dark and light. Marks come with colours for a dark ground; `inkOf` gives their
// counterparts on a light one. Rising and falling differ in blue as well as in red and green, and in lightness, so that
// they can be told apart without seeing red or green.

const THEMES = {
  dark: {
    back: "#0f131c", grid: "#1b2130", frame: "#262d3d", text: "#8b94a7", strong: "#c3cad9", on: "#0b0e14", up: "#26a69a", down: "#ef5350",
    select: "rgba(255, 200, 87, 0.16)", selectEdge: "rgba(255, 200, 87, 0.9)", shade: "rgba(139, 148, 167, 0.10)", shadeEdge: "#5d677d",
    drawing: "#7cc4ff", measure: "rgba(91, 141, 239, 0.16)", measureEdge: "#5b8def", chip: "#333d52", chipText: "#f2f4f9", warn: "#ffc857",
    lane: "#151b27", gap: "#6ec6ff", quiet: "#8f9ab2", bad: "#ff9ad5", stale: "#ffb454", rim: "#0b0e14",
  },
  light: {
    back: "#ffffff", grid: "#eef1f6", frame: "#d5dbe6", text: "#5b6579", strong: "#2b3446", on: "#ffffff", up: "#0b877b", down: "#d6322f",
    select: "rgba(214, 150, 0, 0.16)", selectEdge: "rgba(178, 122, 0, 0.9)", shade: "rgba(91, 101, 121, 0.10)", shadeEdge: "#8b94a7",
    drawing: "#1769c2", measure: "rgba(47, 98, 201, 0.12)", measureEdge: "#2f62c9", chip: "#2b3446", chipText: "#ffffff", warn: "#8a5a00",
    lane: "#f1f4f9", gap: "#0b74c4", quiet: "#66718a", bad: "#c2187e", stale: "#b36b00", rim: "#ffffff",
  },
};

const LIGHT_INKS = {
  "#26a69a": "#0b877b", "#ef5350": "#d6322f", "#ffc857": "#9a6700", "#2d6cdf": "#1d5ff9", "#e8962e": "#e55914", "#a98bf5": "#334574",
  "#ffb2be": "#b84461", "#7fdff5": "#2c98ac", "#eef07e": "#564500", "#1b5e5a": "#8cc9c3", "#7d3a3c": "#eba4a2", "#4be3b0": "#00795a",
  "#ff8a65": "#c4431b", "#9aa4b8": "#5b6579", "#7fc8bd": "#3f8f85", "#e0a3a0": "#b5605c", "#5d677d": "#98a1b3", "#e6ecf7": "#2b3446",
};

const DARK_INKS = Object.fromEntries(Object.entries(LIGHT_INKS).map(([dark, light]) => [light, dark]));

// Either way: what bqplot draws itself has the colour of the theme in its model.
export function inkOf(theme, color) {
  return (theme === "light" ? LIGHT_INKS : DARK_INKS)[color] ?? color;
}

// What is around the chart: a page says so by its `color-scheme`, JupyterLab by an attribute of the body.
export function themeAround(chart) {
  const scheme = getComputedStyle(chart.parentElement ?? document.body).colorScheme;
  if (scheme === "dark" || scheme === "light") return scheme;
  return document.body.dataset.jpThemeLight === "true" ? "light" : "dark";
}
