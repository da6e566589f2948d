// What is seen, as a file: a picture, a drawing, or the numbers. The picture says what it shows: symbol, timeframe, source,
// times, and in large letters where the candles are made up or were played back.

const CAPTION_HEIGHT = 28;

// Words that a picture must not be without.
const warnings = ({ spec, feed }) => [...new Set([...spec.about.marks, ...(feed.badge ? [feed.badge.split(" ")[0]] : [])])];

function captionOf(chart) {
  const { about } = chart.spec;
  const { feed, range, zone } = chart;
  const [first, last] = seenRows(chart);
  const parts = [about.symbol, about.timeframe, about.source && `source ${about.source}`, spanText(feed.time(first), feed.time(last), zone)];
  return [...parts.filter(Boolean), ...warnings(chart), "System V4"].join(" · ");
}

// First and last candle in view.
function seenRows({ feed, range }) {
  return [Math.max(0, Math.ceil(range.low)), Math.min(feed.length - 1, Math.floor(range.high))];
}

function paintPicture(context, view, width, height) {
  const { colors, chart } = view;
  context.fillStyle = colors.back;
  context.fillRect(0, 0, width, height);
  view.saving = true; // with the marks that bqplot draws on the screen
  view.paintOn(context);
  view.saving = false;
  for (const entry of view.panes) {
    if (entry.legend.style.visibility !== "hidden") paintLegend(context, view, entry);
  }
  const words = chart.spec.about.marks; // a badge is painted with the chart
  if (words.length) {
    context.fillStyle = colors.warn;
    context.font = FONT.replace("11px", "700 22px");
    context.textAlign = "center";
    context.fillText(words.join(" · "), view.plot.width / 2, Math.max(40, view.panes[0].top + view.panes[0].height * 0.3));
    context.textAlign = "left";
  }
  context.font = FONT;
  context.fillStyle = colors.text;
  context.fillText(captionOf(chart), 10, height - CAPTION_HEIGHT / 2);
}

// A legend's texts, where they are on the screen.
function paintLegend(context, view, entry) {
  const origin = view.el.getBoundingClientRect();
  for (const part of entry.legend.querySelectorAll("span, b")) {
    if (part.closest(".tk-legend-rule:not(.tk-lit)")) continue; // shown only where the pointer is
    const text = part.childElementCount ? "" : part.textContent;
    const box = part.getBoundingClientRect();
    if (!text || !box.width) continue;
    const style = getComputedStyle(part);
    context.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    context.fillStyle = style.color;
    context.fillText(text, box.left - origin.left, box.top - origin.top + box.height / 2);
  }
}

const sizeOf = ({ plot }) => [Math.ceil(plot.width + AXIS_WIDTH), Math.ceil(plot.height + AXIS_HEIGHT + CAPTION_HEIGHT)];

export function savePNG(view, times = 2) {
  const [width, height] = sizeOf(view);
  const canvas = document.createElement("canvas");
  canvas.width = width * times;
  canvas.height = height * times;
  const context = canvas.getContext("2d");
  context.scale(times, times);
  const { ratio } = view;
  view.ratio = times; // marks are snapped to the picture's pixels, not the screen's
  paintPicture(context, view, width, height);
  view.ratio = ratio;
  canvas.toBlob((blob) => download(blob, `${nameOf(view.chart)}.png`), "image/png");
}

export function svgOf(view) {
  const [width, height] = sizeOf(view);
  const context = new SvgContext(width, height, document.createElement("canvas").getContext("2d"));
  paintPicture(context, view, width, height);
  return String(context);
}

export function saveSVG(view) {
  download(new Blob([svgOf(view)], { type: "image/svg+xml" }), `${nameOf(view.chart)}.svg`);
}

// The candles in view and what the indicators say of them, each value as exactly as it is known; undefined is empty.
export function csvOf(chart) {
  const { feed, linked, spec } = chart;
  const [first, last] = seenRows(chart);
  const columns = ["open", "high", "low", "close", "volume", ...new Set(linked.panes.flatMap((pane) => pane.columns))];
  const titles = columns.map((name) => (name === spec.compare?.column ? `${spec.compare.title} close` : name));
  const marks = warnings(chart).map((word) => word.toLowerCase());
  const lines = [["open_time", ...titles, ...marks].map(quoted).join(",")];
  for (let row = first; row <= last; row++) {
    const values = columns.map((name) => feed.exact(name, row)).map((value) => (value === value ? String(value) : ""));
    lines.push([new Date(feed.time(row)).toISOString(), ...values, ...marks.map(() => "1")].join(","));
  }
  return `${lines.join("\r\n")}\r\n`;
}

const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

// Candles that are still in the kernel are waited for: a file must not have holes that the data have not.
export async function saveCSV(view) {
  const { chart } = view;
  const { epoch } = chart.feed;
  while (!chart.feed.complete && epoch === chart.feed.epoch) await new Promise((done) => setTimeout(done, 100));
  if (epoch === chart.feed.epoch) download(new Blob([csvOf(chart)], { type: "text/csv" }), `${nameOf(chart)}.csv`);
}

function nameOf(chart) {
  const { about } = chart.spec;
  const [first, last] = seenRows(chart).map((row) => momentText(chart.feed.time(row)).replace(/[-:]/g, "").replace(" ", "T"));
  return [about.symbol || "chart", about.timeframe, first, last, ...warnings(chart)].filter(Boolean).join("_").replace(/[^\w.-]+/g, "-");
}

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
