// The lines of text in a pane: what it shows, and the numbers of the candle under the crosshair.

const LARGE = new Set(["volume", "value"]); // units whose numbers are shown as 1.23M

function element(parent, tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

// A text that is set again is laid out again, even where it is the same: at sixty frames a second that shows.
function say(part, text) {
  if (part.said !== text) {
    part.said = text;
    part.textContent = text;
  }
}

function tint(part, color) {
  if (part.tinted !== color) {
    part.tinted = color;
    part.style.color = color;
  }
}

// Makes a pane's lines anew: `entry` gets the parts that `nameLegend` and `tellLegend` fill.
export function buildLegend(view, entry) {
  const { pane, legend } = entry;
  if (pane.candles) {
    const line = element(legend, "div", "tk-legend-line");
    entry.title = element(line, "span", "tk-legend-title");
    const numbered = (key) => {
      const pair = element(line, "span", "tk-legend-pair");
      element(pair, "span", "tk-legend-key", key);
      return element(pair, "span", "tk-legend-number");
    };
    entry.candle = ["O", "H", "L", "C"].map(numbered);
    entry.change = element(line, "span", "tk-legend-number");
    entry.volume = numbered("Vol");
    entry.note = element(line, "span", "tk-legend-note");
  }
  entry.series = pane.series.map((series) => {
    const line = element(legend, "div", "tk-legend-line");
    const name = element(line, "span", "tk-legend-name");
    const parts = series.values.map(({ column, color, name: output, unit }) => {
      const value = element(line, "span", "tk-legend-number");
      value.title = output;
      return { column, value, color, large: LARGE.has(unit), compare: series.compare };
    });
    const rules = element(line, "span", "tk-legend-rules");
    parts.rules = series.rules.map(() => {
      const rule = element(rules, "span", "tk-legend-rule");
      rule.words = [element(rule, "b"), element(rule, "span")];
      return rule;
    });
    return Object.assign(parts, { name, label: series.label });
  });
}

// Writes names and rules, of which a moved slider changes some.
export function nameLegend({ chart }, entry) {
  if (entry.title) say(entry.title, chart.spec.title);
  entry.series.forEach(({ name, rules }, i) => {
    const series = entry.pane.series[i];
    say(name, series.title);
    rules.forEach(({ words }, k) => words.forEach((part, which) => say(part, series.rules[k][which])));
  });
}

// `candle` is the row under the crosshair, else the newest; `pointed` whether the pointer is in this pane.
export function tellLegend(view, entry, candle, pointed) {
  const { chart, colors } = view;
  const { feed } = chart;
  place(view, entry);
  if (entry.candle) {
    const values = ["open", "high", "low", "close"].map((name) => feed.exact(name, candle));
    const color = values[3] >= values[0] ? colors.up : values[3] < values[0] ? colors.down : colors.text;
    entry.candle.forEach((part, i) => {
      say(part, exactText(values[i]));
      tint(part, color);
    });
    const change = (values[3] / feed.exact("close", candle - 1) - 1) * 100;
    say(entry.change, change === change ? percentText(change) : "");
    tint(entry.change, color);
    say(entry.volume, compactText(feed.exact("volume", candle)));
    say(entry.note, feed.columns.forming && candle === feed.length - 1 ? "forming" : "");
  }
  const fired = candle >= 0 ? firedAt(feed.signals, candle) : new Set();
  for (const line of entry.series) {
    for (const { column, value, color, large, compare } of line) {
      // what is drawn at this candle, which another one may have brought about; beyond the last one, only that is
      const number = feed.exact(column, candle - (entry.pane.shifts?.[column] ?? 0));
      const text = large ? compactText(number) : compare ? exactText(number) : valueText(number, entry.decimals ?? 2);
      say(value, compare && number === number ? `${text} ${percentText((number * chart.bases.factor) / chart.bases.own * 100 - 100)}` : text);
      tint(value, view.ink(color));
    }
    line.rules.forEach((part, i) => {
      const lit = fired.has(`${line.label} ${i}`);
      if (part.lit !== lit) part.classList.toggle("tk-lit", (part.lit = lit));
    });
  }
  if (entry.pointed !== pointed) entry.legend.classList.toggle("tk-pointed", (entry.pointed = pointed));
}

// The legend is moved with its pane, and hidden with it.
function place(view, entry) {
  const top = Math.round(entry.top) + (entry.folded ? 3 : 6);
  if (entry.legendTop !== top) entry.legend.style.transform = `translateY(${(entry.legendTop = top)}px)`;
  const shown = entry.top > -12 && entry.top < view.plot.height - 20 ? "" : "hidden";
  if (entry.legend.style.visibility !== shown) entry.legend.style.visibility = shown;
}

// "label number" of every rule that fired at a candle.
function firedAt({ position, rule, rules }, candle) {
  const found = new Set();
  for (let i = lowerBound(position, candle); i < position.length && position[i] === candle; i++) {
    const [label, , , number] = rules[rule[i]];
    found.add(`${label} ${number}`);
  }
  return found;
}
