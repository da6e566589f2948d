// Where ticks go and what they say. Times are UTC.

const MINUTE = 60e3;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

// Fixed steps in milliseconds, then calendar steps in months.
const STEPS = [1, 2, 5, 10, 15, 30].map((m) => m * MINUTE).concat([1, 2, 3, 6, 12].map((h) => h * HOUR), [1, 2, 4, 7, 14].map((d) => d * DAY));
const MONTH_STEPS = [1, 2, 3, 6, 12, 24, 60, 120];
const MONTH = 30.4 * DAY;

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

// Boundaries of hours, days, months… within [from, to], at least `least` milliseconds apart: [{ time, label, major }].
export function timeTicks(from, to, least) {
  const ticks = [];
  const push = (time) => ticks.push({ time, ...boundaryLabel(time) });
  const step = STEPS.find((s) => s >= least);
  if (step && step <= 2 * DAY) {
    for (let t = Math.ceil(from / step) * step; t <= to; t += step) push(t);
  } else if (step) {
    // days of a month, so that the first of the month is always among them
    const days = Math.round(step / DAY);
    const date = new Date(from);
    for (let y = date.getUTCFullYear(), m = date.getUTCMonth(); Date.UTC(y, m, 1) <= to; m++) {
      for (let d = 1; d <= 31 - days / 2; d += days) {
        const t = Date.UTC(y, m, d);
        if (t >= from && t <= to) push(t);
      }
    }
  } else {
    const months = MONTH_STEPS.find((m) => m * MONTH >= least) ?? 120;
    const date = new Date(from);
    const first = Math.floor((date.getUTCFullYear() * 12 + date.getUTCMonth()) / months) * months;
    for (let k = first; ; k += months) {
      const t = new Date(Date.UTC(2000, 0, 1)).setUTCFullYear(Math.floor(k / 12), k % 12, 1);
      if (t > to) break;
      if (t >= from) push(t);
    }
  }
  return ticks;
}

function boundaryLabel(time) {
  const date = new Date(time);
  if (time % DAY) return { label: clock(date), major: false };
  const day = date.getUTCDate();
  if (day !== 1) return { label: `${day} ${MONTHS[date.getUTCMonth()]}`, major: true };
  const month = date.getUTCMonth();
  return { label: month ? MONTHS[month] : String(date.getUTCFullYear()), major: true };
}

const two = (number) => String(number).padStart(2, "0");
const clock = (date) => `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;

// "Fri 14 Jun 2024 02:45"; without the clock where candles last a day.
export function timeText(time, step) {
  if (time !== time) return "";
  const date = new Date(time);
  const weekday = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][date.getUTCDay()];
  const day = `${weekday} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
  return step >= DAY ? day : `${day}  ${clock(date)}`;
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
