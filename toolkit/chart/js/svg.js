// What draws as a canvas does, and keeps it as SVG: the part of a canvas's context that the chart uses.

const SVG_STATE = ["fillStyle", "strokeStyle", "globalAlpha", "lineWidth", "lineJoin", "font", "textAlign", "textBaseline", "dash", "clipped"];
const ANCHORS = { left: "start", start: "start", center: "middle", right: "end", end: "end" };

class SvgContext {
  constructor(width, height, measure) {
    Object.assign(this, { width, height, measure, parts: [], clips: [], saved: [], path: [] });
    Object.assign(this, { fillStyle: "#000", strokeStyle: "#000", globalAlpha: 1, lineWidth: 1, lineJoin: "miter", font: "11px sans-serif", textAlign: "left", textBaseline: "alphabetic", dash: [], clipped: "" });
  }

  save() {
    this.saved.push(SVG_STATE.map((name) => this[name]));
  }

  restore() {
    const values = this.saved.pop();
    if (values) SVG_STATE.forEach((name, i) => (this[name] = values[i]));
  }

  setLineDash(dash) {
    this.dash = dash;
  }

  beginPath() {
    this.path = [];
  }

  moveTo(x, y) {
    this.path.push(`M${short(x)} ${short(y)}`);
  }

  lineTo(x, y) {
    this.path.push(`${this.path.length ? "L" : "M"}${short(x)} ${short(y)}`);
  }

  rect(x, y, width, height) {
    this.path.push(`M${short(x)} ${short(y)}h${short(width)}v${short(height)}h${short(-width)}z`);
  }

  roundRect(x, y, width, height, radius) {
    const r = short(radius);
    const [across, down] = [short(width - 2 * radius), short(height - 2 * radius)];
    const turn = (dx, dy) => `a${r} ${r} 0 0 1 ${dx}${r} ${dy}${r}`;
    this.path.push(`M${short(x + radius)} ${short(y)}h${across}${turn("", "")}v${down}${turn("-", "")}h-${across}${turn("-", "-")}v-${down}${turn("", "-")}z`);
  }

  // whole circles only: the chart draws no others
  arc(x, y, radius) {
    const r = short(radius);
    this.path.push(`M${short(x + radius)} ${short(y)}a${r} ${r} 0 1 1 ${short(-2 * radius)} 0a${r} ${r} 0 1 1 ${short(2 * radius)} 0`);
  }

  closePath() {
    this.path.push("z");
  }

  clip() {
    const id = `clip${this.clips.length}`;
    const outer = this.clipped ? ` clip-path="url(#${this.clipped})"` : "";
    this.clips.push(`<clipPath id="${id}"><path d="${this.path.join("")}"${outer}/></clipPath>`);
    this.clipped = id;
  }

  #put(markup) {
    this.parts.push(this.clipped ? `<g clip-path="url(#${this.clipped})">${markup}</g>` : markup);
  }

  get #opacity() {
    return this.globalAlpha < 1 ? ` opacity="${short(this.globalAlpha)}"` : "";
  }

  get #outline() {
    const dash = this.dash.length ? ` stroke-dasharray="${this.dash.join(" ")}"` : "";
    return `fill="none" stroke="${escaped(this.strokeStyle)}" stroke-width="${short(this.lineWidth)}" stroke-linejoin="${this.lineJoin}"${dash}${this.#opacity}`;
  }

  fill() {
    if (this.path.length) this.#put(`<path d="${this.path.join("")}" fill="${escaped(this.fillStyle)}"${this.#opacity}/>`);
  }

  stroke() {
    if (this.path.length) this.#put(`<path d="${this.path.join("")}" ${this.#outline}/>`);
  }

  fillRect(x, y, width, height) {
    this.#put(`<rect ${box(x, y, width, height)} fill="${escaped(this.fillStyle)}"${this.#opacity}/>`);
  }

  strokeRect(x, y, width, height) {
    this.#put(`<rect ${box(x, y, width, height)} ${this.#outline}/>`);
  }

  fillText(text, x, y) {
    const middle = this.textBaseline === "middle" ? ' dominant-baseline="central"' : "";
    this.#put(`<text x="${short(x)}" y="${short(y)}" text-anchor="${ANCHORS[this.textAlign]}"${middle} style="font:${escaped(this.font)}" fill="${escaped(this.fillStyle)}"${this.#opacity} xml:space="preserve">${escaped(text)}</text>`);
  }

  measureText(text) {
    this.measure.font = this.font;
    return this.measure.measureText(text);
  }

  toString() {
    const size = `width="${this.width}" height="${this.height}" viewBox="0 0 ${this.width} ${this.height}"`;
    return `<svg xmlns="${SVG_NAMESPACE}" ${size}><defs>${this.clips.join("")}</defs>${this.parts.join("\n")}</svg>\n`;
  }
}

// To a hundredth of a pixel.
const short = (value) => String(Math.round(value * 100) / 100);

// A rectangle; a canvas also knows ones of negative size.
function box(x, y, width, height) {
  const [left, top] = [Math.min(x, x + width), Math.min(y, y + height)];
  return `x="${short(left)}" y="${short(top)}" width="${short(Math.abs(width))}" height="${short(Math.abs(height))}"`;
}

export function escaped(text) {
  return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
