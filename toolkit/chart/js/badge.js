// What the candles are, where that must be seen: a replay and its time. Painted with the chart, so that a picture of it says
// so too.

const BADGE = { back: "#7c4dff", edge: "#b39dff", text: "#ffffff" };

// In the upper right corner of a box that begins at `top`; where it is narrow, and the legend in the way, in the lower one.
export function paintBadge(context, text, width, top, height) {
  if (!text) return;
  context.save();
  context.font = "600 12px Inter, 'Segoe UI', system-ui, -apple-system, Roboto, 'Helvetica Neue', Arial, sans-serif";
  const wide = Math.ceil(context.measureText(text).width) + 18;
  const left = Math.max(4, width - wide - 8);
  if (width < 700) top += Math.max(0, height - 40);
  context.fillStyle = BADGE.back;
  context.strokeStyle = BADGE.edge;
  context.beginPath();
  context.roundRect(left + 0.5, top + 8.5, wide, 22, 4);
  context.fill();
  context.stroke();
  context.fillStyle = BADGE.text;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText(text, left + 9, top + 20);
  context.restore();
}
