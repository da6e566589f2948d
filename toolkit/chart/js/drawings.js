// Levels and trend lines drawn by hand, anchored to time and value: where they are on the screen, what is near the pointer.
// A drawing is { id, kind, pane, points: [[milliseconds, value], …] }, a level having one point and a line two.

const NEAR = 6; // pixels
const NEAR_END = 9;

// A drawing's points in pixels of a pane; `null` where one has no place on the axis.
export function pointsOf(drawing, entry, feed) {
  const { scale, pane } = entry;
  const points = drawing.points.map(([time, value]) => ({ x: scale.x(feed.xOf(time)), y: scale.y(pane.map.to(value)) }));
  return points.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)) ? points : null;
}

// The distance of a point from a piece of a line.
export function distanceTo({ x, y }, a, b) {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const long = dx * dx + dy * dy;
  const share = long ? Math.max(0, Math.min(1, ((x - a.x) * dx + (y - a.y) * dy) / long)) : 0;
  return Math.hypot(x - a.x - share * dx, y - a.y - share * dy);
}

// What of the drawings is under a point: { drawing, end }, `end` being the number of the line's end, or null for all of it.
export function hitOf(drawings, entry, feed, point, reach = 1) {
  for (let i = drawings.length - 1; i >= 0; i--) {
    const drawing = drawings[i];
    const points = drawing.pane === entry.pane.key ? pointsOf(drawing, entry, feed) : null;
    if (!points) continue;
    if (drawing.kind === "level") {
      if (Math.abs(point.y - points[0].y) <= NEAR * reach) return { drawing, end: null };
      continue;
    }
    const end = points.findIndex(({ x, y }) => Math.hypot(point.x - x, point.y - y) <= NEAR_END * reach);
    if (end >= 0) return { drawing, end };
    if (distanceTo(point, ...points) <= NEAR * reach) return { drawing, end: null };
  }
  return null;
}

export function paintDrawing(context, view, entry, drawing, chosen) {
  const { scale } = entry;
  const points = pointsOf(drawing, entry, view.chart.feed);
  if (!points) return;
  const color = scale.colors.drawing;
  context.save();
  context.strokeStyle = color;
  context.fillStyle = color;
  context.lineWidth = chosen ? 2 : 1.25;
  context.beginPath();
  if (drawing.kind === "level") {
    const y = Math.round(points[0].y) + 0.5;
    context.moveTo(scale.left, y);
    context.lineTo(scale.left + scale.width, y);
  } else {
    context.moveTo(points[0].x, points[0].y);
    context.lineTo(points[1].x, points[1].y);
  }
  context.stroke();
  if (chosen) {
    for (const { x, y } of drawing.kind === "line" ? points : [{ x: scale.left + scale.width / 2, y: points[0].y }]) {
      context.beginPath();
      context.arc(x, y, 4, 0, 2 * Math.PI);
      context.fill();
    }
  }
  context.restore();
}

// A level's value on the axis.
export function paintLevelLabel(context, view, entry, drawing) {
  const { scale } = entry;
  const [point] = pointsOf(drawing, entry, view.chart.feed) ?? [{ y: NaN }];
  if (drawing.kind !== "level" || !(point.y > scale.top + 6 && point.y < scale.top + scale.height - 6)) return;
  context.fillStyle = scale.colors.back;
  context.fillRect(scale.width + 1, point.y - 9, AXIS_WIDTH - 1, 18);
  context.fillStyle = context.strokeStyle = scale.colors.drawing;
  context.lineWidth = 1;
  context.strokeRect(scale.width + 1.5, Math.round(point.y) - 8.5, AXIS_WIDTH - 3, 17);
  context.fillText(axisText(view.chart, entry, drawing.points[0][1]), scale.width + 8, point.y + 0.5);
}

// How far it is from one point to another: change, bars and time. `from` and `to` are [row, value].
export function measureTexts(from, to, feed, textOf) {
  const change = to[1] - from[1];
  const bars = to[0] - from[0];
  const sign = change < 0 ? "−" : "+";
  const time = feed.time(to[0]) - feed.time(from[0]);
  return [
    `${sign}${textOf(Math.abs(change))} (${percentText((to[1] / from[1] - 1) * 100)})`,
    `${bars < 0 ? "−" : ""}${Math.abs(bars).toLocaleString("en-US")} bar${Math.abs(bars) === 1 ? "" : "s"} · ${time < 0 ? "−" : ""}${lengthText(time)}`,
  ];
}

export function paintMeasure(context, view, entry, { from, to }) {
  const { scale, pane } = entry;
  const { feed } = view.chart;
  const [x1, x2] = [scale.x(from[0]), scale.x(to[0])];
  const [y1, y2] = [scale.y(pane.map.to(from[1])), scale.y(pane.map.to(to[1]))];
  const { colors } = scale;
  context.save();
  context.fillStyle = colors.measure;
  context.fillRect(Math.min(x1, x2), Math.min(y1, y2), Math.abs(x2 - x1), Math.abs(y2 - y1));
  context.strokeStyle = colors.measureEdge;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x1, y2);
  context.lineTo(x2, y2);
  context.moveTo(x2, y1);
  context.lineTo(x2, y2);
  context.stroke();
  const texts = measureTexts(from, to, feed, (value) => (entry.large ? compactText(value) : fixedText(value, entry.decimals ?? 2)));
  const wide = Math.max(...texts.map((text) => context.measureText(text).width)) + 16;
  const left = Math.max(scale.left + 4, Math.min(scale.left + scale.width - wide - 4, (x1 + x2) / 2 - wide / 2));
  const above = y2 <= y1 ? y2 - 46 : y2 + 6;
  const top = Math.max(scale.top + 4, Math.min(scale.top + scale.height - 44, above));
  context.fillStyle = colors.chip;
  context.fillRect(left, top, wide, 40);
  context.fillStyle = colors.chipText;
  texts.forEach((text, i) => context.fillText(text, left + 8, top + 12 + 17 * i));
  context.restore();
}
