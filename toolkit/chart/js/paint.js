// Paints bqplot marks on a canvas, from the marks' own data and style: what their SVG would show, many times faster.
// `scale` maps an axis's units to pixels of the pane: { x(value), y(value), left, top, width, height, ratio, low, high, ink,
// colors }, low and high being the range of x in view; `ink` gives a mark's colour in the theme.

export function paintMark(context, mark, scale) {
  const shape = inView(mark.shape, scale, mark.kind);
  if (!shape || !shape.x.length || !mark.model.get("visible")) return;
  context.save();
  context.globalAlpha = mark.model.get("opacities")?.[0] ?? 1;
  const { key, to } = mark.place;
  PAINTERS[mark.kind](context, mark, key ? { ...scale, y: (value) => scale.y(to(value)) } : scale, shape);
  context.restore();
}

// The part of a shape that is in view, and a piece on either side, so that lines leave the pane where they should.
function inView(shape, { low, high, slack }, kind) {
  if (!shape || kind === "level" || kind === "zone") return shape;
  const start = Math.max(0, lowerBound(shape.x, low - slack) - 2);
  const end = Math.min(shape.x.length, lowerBound(shape.x, high + slack) + 2);
  const [from, to] = kind === "segments" ? [start - (start % 3), Math.ceil(end / 3) * 3] : [start, end];
  const cut = (values) => values.subarray(from, to);
  return { x: cut(shape.x), y: Array.isArray(shape.y) ? shape.y.map(cut) : cut(shape.y) };
}

const colorOf = (mark, scale) => scale.ink(mark.model.get("colors")[0]);

// Vertical segments of one width, snapped to whole device pixels so that every candle looks the same.
function paintSegments(context, mark, scale, { x, y }) {
  const pixel = 1 / scale.ratio;
  const width = Math.max(pixel, Math.round(mark.width * scale.ratio) * pixel);
  const edge = scale.left + scale.width;
  context.fillStyle = colorOf(mark, scale);
  for (let i = 0; i < x.length; i += 3) {
    const centre = scale.x(x[i]);
    if (centre < scale.left - width || centre > edge + width) continue;
    const left = Math.round((centre - width / 2) * scale.ratio) * pixel;
    const one = scale.y(y[i]);
    const other = scale.y(y[i + 1]);
    const top = Math.round(Math.min(one, other) * scale.ratio) * pixel;
    const bottom = Math.round(Math.max(one, other) * scale.ratio) * pixel;
    context.fillRect(left, top, width, Math.max(pixel, bottom - top));
  }
}

const STROKE_POINTS = 32;
const DASHES = { solid: [], dashed: [6, 4], dotted: [1.5, 4], dash_dotted: [6, 4, 1.5, 4] };

function paintLine(context, mark, scale, { x, y }) {
  context.strokeStyle = colorOf(mark, scale);
  // Zoomed out, a line is a zigzag between the extremes of its buckets. Lines of one device pixel are drawn as hairlines,
  // ten times faster than broader ones there; and short strokes are faster than one long one that crosses itself.
  context.lineWidth = scale.slack > 1 ? 1 / scale.ratio : mark.model.get("stroke_width");
  context.lineJoin = "bevel";
  context.setLineDash(DASHES[mark.model.get("line_style")] ?? []);
  context.beginPath();
  let points = 0;
  let lastX = 0;
  let lastY = 0;
  for (let i = 0; i < x.length; i++) {
    if (y[i] !== y[i]) {
      points = 0;
      continue;
    }
    if (points === STROKE_POINTS) {
      context.stroke();
      context.beginPath();
      context.moveTo(lastX, lastY);
      points = 1;
    }
    lastX = scale.x(x[i]);
    lastY = scale.y(y[i]);
    if (points++) context.lineTo(lastX, lastY);
    else context.moveTo(lastX, lastY);
  }
  context.stroke();
}

function paintBand(context, mark, scale, { x, y: [top, bottom] }) {
  context.fillStyle = scale.ink(mark.model.get("fill_colors")[0]);
  context.globalAlpha = mark.model.get("fill_opacities")[0] ?? 0.1;
  const defined = (i) => top[i] === top[i] && bottom[i] === bottom[i];
  if (scale.slack > 1 && x.length > 2) {
    // zoomed out, a bar a bucket: filling one jagged outline takes several times as long
    for (let i = 0; i < x.length; i++) {
      if (!defined(i)) continue;
      const left = Math.round(scale.x(x[i] - scale.slack / 2));
      const right = Math.round(scale.x(x[i] + scale.slack / 2));
      const upper = Math.round(scale.y(top[i]));
      context.fillRect(left, upper, right - left, Math.round(scale.y(bottom[i])) - upper);
    }
    return;
  }
  for (let start = 0; start < x.length; start++) {
    if (!defined(start)) continue;
    let end = start;
    while (end < x.length && defined(end)) end++;
    context.beginPath();
    for (let i = start; i < end; i++) context.lineTo(scale.x(x[i]), scale.y(top[i]));
    for (let i = end - 1; i >= start; i--) context.lineTo(scale.x(x[i]), scale.y(bottom[i]));
    context.fill();
    start = end;
  }
}

// Triangles that point at the candle from below or above, or dots, a fixed distance away from it.
function paintMarkers(context, mark, scale, { x, y }) {
  context.fillStyle = colorOf(mark, scale);
  context.strokeStyle = scale.colors.back;
  context.lineWidth = 1;
  const size = 4.5;
  for (let i = 0; i < x.length; i++) {
    const centre = scale.x(x[i]);
    const at = scale.y(y[i]) + mark.side * 11;
    context.beginPath();
    if (mark.model.get("marker") === "circle") {
      context.arc(centre, at, 3, 0, 2 * Math.PI);
    } else {
      context.moveTo(centre, at - mark.side * size);
      context.lineTo(centre - size, at + mark.side * size * 0.8);
      context.lineTo(centre + size, at + mark.side * size * 0.8);
      context.closePath();
    }
    context.fill();
    context.stroke();
  }
}

// Dots, round where that can be seen.
function paintDots(context, mark, scale, { x, y }) {
  context.fillStyle = colorOf(mark, scale);
  const size = mark.width;
  const edge = scale.left + scale.width + size;
  context.beginPath();
  for (let i = 0; i < x.length; i++) {
    const centre = scale.x(x[i]);
    if (centre < scale.left - size || centre > edge) continue;
    const at = scale.y(y[i]);
    if (size < 3) {
      context.rect(centre - size / 2, at - size / 2, size, size);
    } else {
      context.moveTo(centre + size / 2, at);
      context.arc(centre, at, size / 2, 0, 2 * Math.PI);
    }
  }
  context.fill();
}

const PAINTERS = {
  dots: paintDots,
  cloud: paintBand,
  segments: paintSegments,
  line: paintLine,
  band: paintBand,
  zone: paintBand,
  level: paintLine,
  markers: paintMarkers,
};

// The candle that has not closed yet: an outline, dashed, on what is behind it.
export function paintForming(context, scale, { open, high, low, close }, x, width, color) {
  const centre = Math.round(scale.x(x) * scale.ratio) / scale.ratio;
  const [top, bottom] = [scale.y(Math.max(open, close)), scale.y(Math.min(open, close))];
  const tall = Math.max(1, bottom - top);
  const left = centre - width / 2;
  context.save();
  context.fillStyle = scale.colors.back;
  context.fillRect(left - 1, scale.y(high) - 1, width + 2, scale.y(low) - scale.y(high) + 2);
  context.strokeStyle = color;
  context.lineWidth = 1;
  context.setLineDash([2, 1.5]);
  context.beginPath();
  context.moveTo(centre, scale.y(high));
  context.lineTo(centre, top);
  context.moveTo(centre, bottom);
  context.lineTo(centre, scale.y(low));
  context.stroke();
  context.globalAlpha = 0.28;
  context.fillStyle = color;
  context.fillRect(left, top, width, tall);
  context.globalAlpha = 1;
  context.strokeRect(left + 0.5, top, Math.max(1, width - 1), tall);
  context.restore();
}

// Lines of the grid: `at` are pixels, horizontal or vertical, within the pane.
export function paintGrid(context, scale, vertical, horizontal, color) {
  context.strokeStyle = color;
  context.lineWidth = 1;
  context.beginPath();
  for (const x of vertical) {
    context.moveTo(Math.round(x) + 0.5, scale.top);
    context.lineTo(Math.round(x) + 0.5, scale.top + scale.height);
  }
  for (const y of horizontal) {
    context.moveTo(scale.left, Math.round(y) + 0.5);
    context.lineTo(scale.left + scale.width, Math.round(y) + 0.5);
  }
  context.stroke();
}
