// The crosshair over all panes, its labels on the axes, and what lies under the pointer in words. A DOM overlay: neither the
// kernel nor the canvas hears of it.

class Crosshair {
  constructor(view, el) {
    this.view = view;
    const part = (className) => element(el, "div", className);
    Object.assign(this, {
      x: part("tk-cross tk-cross-x"),
      y: part("tk-cross tk-cross-y"),
      time: part("tk-chip tk-chip-time"),
      value: part("tk-chip tk-chip-value"),
      told: part("tk-chip tk-chip-found"),
    });
  }

  // Shows what the pointer is at; `ghost` is the x at which the pointer of a linked chart is.
  tell() {
    const { view } = this;
    const { chart, pointer, plot } = view;
    const { feed } = chart;
    const inside = Boolean(pointer);
    const ghost = !inside && view.ghost === view.ghost ? view.ghost : NaN;
    const within = inside && pointer.y < plot.height; // else on the time axis
    for (const part of [this.x, this.time]) show(part, inside || ghost === ghost);
    for (const part of [this.y, this.value]) show(part, within);
    const entry = within ? view.entryAt(pointer.y) : null;
    let candle = feed.length - 1;
    if (inside || ghost === ghost) {
      candle = inside ? Math.round(view.toX(pointer.x)) : Math.round(ghost);
      this.#upright(candle);
    }
    const told = inside ? this.#told(within, entry) : "";
    show(this.told, told !== "");
    if (told) {
      say(this.told, told);
      // beside the pointer, on the side where there is more room
      const side = pointer.x > plot.width / 2 ? "-100%" : "0%";
      const bottom = this.atPointer ? Math.max(70, pointer.y - 10) : plot.height - 4;
      this.told.style.transform = `translate(${Math.round(pointer.x) + (side === "0%" ? 10 : -10)}px, ${Math.round(bottom)}px) translate(${side}, -100%)`;
    }
    if (within) {
      this.y.style.transform = `translateY(${Math.round(pointer.y)}px)`;
      show(this.value, Boolean(entry?.scale) && !entry.folded);
      if (entry?.scale && !entry.folded) {
        say(this.value, axisText(chart, entry, valueAt(entry, pointer.y)));
        this.value.style.transform = `translate(${plot.width + 1}px, ${Math.round(pointer.y) - 9}px)`;
      }
    }
    for (const one of view.panes) tellLegend(view, one, candle, one === entry);
    view.stack.point(entry);
  }

  #upright(candle) {
    const { view } = this;
    const { chart, plot } = view;
    const { low, high } = chart.range;
    const x = ((candle - low) * plot.width) / (high - low);
    this.x.style.transform = `translateX(${Math.round(x)}px)`;
    const time = chart.feed.time(candle);
    const { zone } = chart;
    say(this.time, zone.name === "UTC" ? timeText(time, chart.feed.step) : `${timeText(time, chart.feed.step, zone)} ${zone.label(time)}`);
    const half = zone.name === "UTC" ? 64 : 84;
    this.time.style.transform = `translate(${Math.round(Math.max(half, Math.min(plot.width - half, x)))}px, ${plot.height + STRIP_HEIGHT + 3}px) translateX(-50%)`;
  }

  // Why a marker is there, what is not defined yet, what the marks on the time axis mean.
  #told(overPanes, entry) {
    const { view } = this;
    const { chart, pointer, plot } = view;
    const signals = entry?.pane.candles ? signalTexts(view, entry, pointer) : [];
    this.atPointer = signals.length > 0;
    const reach = (5 * (chart.range.high - chart.range.low)) / plot.width;
    const bucket = 2 ** (chart.window?.level ?? 0);
    const x = view.toX(pointer.x);
    const texts = foundTexts(chart.feed.found, chart.feed, x, reach, bucket, chart.zone);
    // over the panes, not what a bar of many candles holds: that is seldom nothing
    const found = texts.filter((text) => !overPanes || bucket === 1 || !text.startsWith("no volume"));
    for (const { title, warmup } of entry?.pane.series ?? []) {
      if (x > -0.5 && Math.round(x) < warmup) found.push(`${title}: warm-up, not defined in the first ${candlesText(warmup)}`);
    }
    return [...signals, ...found].join("\n");
  }
}

function show(part, shown) {
  if (part.shown !== shown) part.classList.toggle("tk-shown", (part.shown = shown));
}

// The value at a height in pixels.
export function valueAt({ pane, top, height }, y) {
  const { low, high } = pane.bounds;
  return pane.map.from(high - ((y - top) / height) * (high - low));
}

const MOST_TOLD = 4;

// What the markers within reach of the pointer stand for: each signal's rule, value and when it is known.
function signalTexts(view, entry, pointer) {
  const { chart } = view;
  const { scale, pane } = entry;
  const { signals, step } = chart.feed;
  if (!scale) return [];
  for (const mark of pane.marks) {
    if (mark.kind !== "markers" || !mark.shape) continue;
    const { x, y } = mark.shape;
    for (let i = lowerBound(x, view.toX(pointer.x - 8)); i < x.length && scale.x(x[i]) <= pointer.x + 8; i++) {
      if (Math.abs(scale.y(pane.map.to(y[i])) + mark.side * 11 - pointer.y) > 9) continue;
      const found = signalsAt(signals, mark.signals[i], mark.apart);
      const texts = found.slice(0, MOST_TOLD).map((signal) => signalText(signals, signal, chart, step));
      if (found.length > MOST_TOLD) texts.push(`and ${found.length - MOST_TOLD} more here: zoom in`);
      return texts;
    }
  }
  return [];
}

function signalText({ position, rule, rules, value, confidence }, signal, chart, step) {
  const [label, kind, text] = rules[rule[signal]];
  const close = chart.feed.time(position[signal]) + step;
  const { zone } = chart;
  return `${label} · ${kind}: ${text}\n  value ${valueText(value[signal], 2)} · strength ${confidence[signal].toFixed(2)} · known ${momentText(close, zone)} ${zone.label(close)}`;
}
