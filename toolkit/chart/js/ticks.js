// Where ticks of a number axis go, and how numbers are written.

// About `most` round numbers within [low, high], and the decimals that tell them apart.
export function numberTicks(low, high, most) {
  const span = high - low;
  if (!(span > 0) || most < 1) return { values: [], decimals: 2, step: 1 };
  const raw = span / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const factor = [1, 2, 2.5, 5, 10].find((f) => f * power >= raw * (1 - 1e-9));
  const step = factor * power;
  const decimals = Math.min(12, Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (factor === 2.5 ? 1 : 0)));
  const values = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) values.push(k * step);
  return { values, decimals, step };
}

const grouped = (text) => {
  const [whole, fraction] = text.split(".");
  const apart = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return fraction === undefined ? apart : `${apart}.${fraction}`;
};

// A number as it is (up to 10 significant digits).
export function exactText(value) {
  if (value !== value) return "–";
  const text = String(Number(value.toPrecision(10)));
  return text.includes("e") ? text : grouped(text);
}

// A number with fixed decimals.
export function fixedText(value, decimals) {
  return value === value ? grouped(value.toFixed(Math.max(0, Math.min(12, decimals)))) : "–";
}

// An indicator's value: at least three digits that count.
export function valueText(value, decimals) {
  const size = Math.abs(value);
  return fixedText(value, size > 0 && size < 1 ? Math.max(decimals, 2 - Math.floor(Math.log10(size))) : decimals);
}

// 1234567 → "1.23M"
export function compactText(value) {
  if (value !== value) return "–";
  const size = Math.abs(value);
  for (const [limit, unit] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]]) {
    if (size >= limit) return `${(value / limit).toFixed(2)}${unit}`;
  }
  return size >= 100 || size === 0 ? value.toFixed(0) : value.toPrecision(3);
}

// Ticks of large numbers, in one unit and with no more decimals than tell them apart: 1200000 → "1.2M".
export function compactTicks(values, step) {
  const most = Math.max(0, ...values.map(Math.abs));
  const [limit, unit] = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]].find(([size]) => most >= size) ?? [1, ""];
  let decimals = 0;
  const share = step / limit;
  while (decimals < 6 && Math.abs(share * 10 ** decimals - Math.round(share * 10 ** decimals)) > 1e-6 * share * 10 ** decimals) decimals++;
  return values.map((value) => (value === 0 ? "0" : `${grouped((value / limit).toFixed(decimals))}${unit}`));
}

// Decimals for prices of this size: five significant digits, as exchanges quote them.
export function priceDecimals(price) {
  if (!(price > 0)) return 2;
  return Math.min(12, Math.max(2, 4 - Math.floor(Math.log10(price))));
}

// Ticks of a price axis: { values, texts, decimals }, values in the axis's own units, at least 14 pixels apart over `height`.
// `to` maps prices to the axis; `base` is the price that is 0 % on a percent scale.
export function priceTicks(kind, low, high, height, base) {
  const most = Math.max(3, height / 34);
  if (kind === "percent" && base > 0) {
    const share = (value) => (value / base - 1) * 100;
    const { values, decimals } = numberTicks(share(low), share(high), most);
    return { values: values.map((value) => base * (1 + value / 100)), texts: values.map((value) => percentText(value, decimals)), decimals };
  }
  if (kind === "log") {
    const [bottom, top] = [10 ** low, 10 ** high];
    const found = top / bottom < 5 ? numberTicks(bottom, top, most) : decadeTicks(bottom, top);
    const apart = (14 * (high - low)) / height;
    const kept = [];
    for (const value of found.values) {
      const at = Math.log10(value);
      if (value > 0 && (!kept.length || at - kept[kept.length - 1] >= apart)) kept.push(at);
    }
    const decimals = (price) => Math.max(0, Math.min(12, found.decimals ?? 1 - Math.floor(Math.log10(price) + 1e-9)));
    return { values: kept, texts: kept.map((at) => fixedText(10 ** at, decimals(10 ** at))), decimals: found.decimals ?? 2 };
  }
  const { values, decimals, step } = numberTicks(low, high, most);
  return { values, texts: values.map((value) => fixedText(value, decimals)), decimals, step };
}

// 1, 2 and 5 of every power of ten; only the powers where there are many.
function decadeTicks(bottom, top) {
  const decades = Math.log10(top / bottom);
  const factors = decades > 6 ? [1] : decades > 3 ? [1, 3] : [1, 2, 5];
  const values = [];
  for (let power = Math.floor(Math.log10(bottom)); 10 ** power <= top; power++) {
    for (const factor of factors) {
      const value = factor * 10 ** power;
      if (value >= bottom && value <= top) values.push(value);
    }
  }
  return { values };
}

// "+1.25%"
export function percentText(value, decimals = 2) {
  if (value !== value) return "–";
  const text = fixedText(Math.abs(value), decimals);
  const zero = Number(text.replaceAll(",", "")) === 0;
  return `${zero ? "" : value < 0 ? "−" : "+"}${text}%`;
}
