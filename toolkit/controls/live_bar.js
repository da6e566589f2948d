// The bar over the chart: stored candles, a replay or an exchange's; play, pause, step, seek, speed. The kernel does it; the
// bar says what it does. Text is only ever set as text.

const SPEEDS = [0.5, 1, 2, 5, 10, 20, 50, 100, 1000, null]; // candles a second; null: as fast as they are drawn

function element(parent, tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

// Drawn, since not every font has these signs.
const SHAPES = { back: "M4 3h2v10H4zM13 3v10L6.5 8z", play: "M4 2.5v11l9-5.5z", pause: "M4 3h3v10H4zM9 3h3v10H9z", step: "M10 3h2v10h-2zM3 3v10l6.5-5z" };

function draw(button, shape) {
  if (button.dataset.shape === shape) return;
  button.dataset.shape = shape;
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", SHAPES[shape]);
  svg.append(path);
  button.replaceChildren(svg);
}

const speedText = (speed) => (speed === null ? "as fast as it goes" : `${speed} candle${speed === 1 ? "" : "s"}/s`);

function bar({ model, el }) {
  el.classList.add("tk-live");
  el.setAttribute("role", "toolbar");
  el.setAttribute("aria-label", "Replay and live candles");
  const send = (action, more = {}) => model.send({ action, ...more });
  const button = (text, title, className, action) => {
    const made = element(el, "button", `tk-live-button ${className}`, text);
    made.type = "button";
    made.title = title;
    made.setAttribute("aria-label", title);
    made.addEventListener("click", action);
    return made;
  };
  const select = (title, className, action) => {
    const made = element(el, "select", `tk-live-select ${className}`);
    made.title = title;
    made.setAttribute("aria-label", title);
    made.addEventListener("change", () => action(made.value));
    return made;
  };

  const badge = element(el, "span", "tk-live-badge");
  badge.setAttribute("role", "status");
  const mode = select("Which candles are shown", "tk-live-mode", (value) => send("mode", { mode: value }));
  for (const [value, text] of [["stored", "Stored candles"], ["replay", "Replay"], ["live", "Live"]]) element(mode, "option", "", text).value = value;
  const back = button("", "One candle back", "tk-live-back", () => send("step", { candles: -1 }));
  const play = button("", "Play", "tk-live-play", () => send(model.get("status").playing ? "pause" : "play"));
  const step = button("", "One candle on", "tk-live-step", () => send("step", { candles: 1 }));
  draw(back, "back");
  draw(step, "step");
  const slider = element(el, "input", "tk-live-slider");
  slider.type = "range";
  slider.title = "Seek: how much of the stored history the replay knows";
  slider.setAttribute("aria-label", slider.title);
  const speed = select("Speed of the replay", "tk-live-speed", (value) => send("speed", { speed: value === "max" ? null : Number(value) }));
  const view = button("From the candle in view", "Replay from the last candle in view on", "tk-live-view", () => send("view"));
  const stop = button("Back to stored candles", "End it and show all stored candles", "tk-live-stop", () => send("mode", { mode: "stored" }));
  const note = element(el, "span", "tk-live-note");

  // While the slider is moved, one seek is on its way and the newest wish waits: no queue grows.
  let asked = false;
  let wish = null;
  const seek = () => {
    if (asked || wish === null) return;
    asked = true;
    send("seek", { row: wish });
    wish = null;
  };
  slider.addEventListener("input", () => {
    wish = Number(slider.value);
    seek();
  });
  const done = (message) => {
    if (message.type !== "done" || message.action !== "seek") return;
    asked = false;
    seek();
    show();
  };

  const show = () => {
    const status = model.get("status");
    const replay = status.mode === "replay";
    const following = status.mode !== "stored";
    el.dataset.mode = status.mode;
    badge.hidden = !following;
    badge.textContent = `${status.synthetic ? "SYNTHETIC · " : ""}${status.badge ?? ""}`;
    mode.value = status.mode;
    mode.options[2].disabled = !status.live;
    mode.options[2].title = status.live ? "" : "No exchange is set: TOOLKIT_LIVE=binance, for example";
    for (const part of [back, step]) part.hidden = !replay;
    play.hidden = status.mode === "live";
    draw(play, status.playing ? "pause" : "play");
    play.title = status.playing ? "Pause" : following ? "Play" : "Replay from the last candle in view on";
    play.setAttribute("aria-label", play.title);
    play.disabled = replay && status.row >= status.rows;
    step.disabled = play.disabled;
    back.disabled = replay && status.row <= 1;
    speed.hidden = slider.hidden = status.mode === "live";
    view.hidden = !replay;
    stop.hidden = !following;
    slider.min = 1;
    slider.max = Math.max(1, status.rows ?? 1);
    if (!asked && wish === null) slider.value = status.row ?? slider.max;
    const known = [...SPEEDS];
    if (!known.includes(status.speed)) known.unshift(status.speed);
    if (speed.options.length !== known.length || speed.value !== `${status.speed ?? "max"}`) {
      speed.replaceChildren();
      for (const one of known) element(speed, "option", "", speedText(one)).value = `${one ?? "max"}`;
      speed.value = `${status.speed ?? "max"}`;
    }
    const ended = status.ended ? (replay ? "The replay is at its end. " : "The feed has ended. ") : "";
    note.textContent = `${ended}${status.note ?? ""}`;
    note.title = note.textContent;
    note.classList.toggle("tk-live-trouble", status.mode === "live" && Boolean(note.textContent));
  };
  model.on("change:status", show);
  model.on("msg:custom", done);
  show();
  return () => {
    model.off("change:status", show);
    model.off("msg:custom", done);
  };
}

export default { render: bar };
