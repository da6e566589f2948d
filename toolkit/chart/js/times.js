// Times in a time zone: where ticks go, what they say. A "wall" time is what a clock there shows, as milliseconds of UTC.

const MINUTE = 60e3;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

// Fixed steps in milliseconds, then calendar steps in months.
const STEPS = [1, 2, 5, 10, 15, 30].map((m) => m * MINUTE).concat([1, 2, 3, 6, 12].map((h) => h * HOUR), [1, 2, 4, 7, 14].map((d) => d * DAY));
const MONTH_STEPS = [1, 2, 3, 6, 12, 24, 60, 120];
const MONTH = 30.4 * DAY;

class Zone {
  constructor(name) {
    this.name = name;
    this.offsets = new Map();
    if (name !== "UTC") {
      const digits = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" };
      this.format = new Intl.DateTimeFormat("en-US", { timeZone: name, hourCycle: "h23", ...digits });
    }
  }

  // Milliseconds that clocks there are ahead of UTC.
  offset(time) {
    if (!this.format || time !== time) return 0;
    const quarter = Math.floor(time / (15 * MINUTE)); // clocks are put forward and back at such moments
    let found = this.offsets.get(quarter);
    if (found === undefined) {
      const at = quarter * 15 * MINUTE;
      const part = Object.fromEntries(this.format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
      found = Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) - at;
      if (this.offsets.size > 5000) this.offsets.clear();
      this.offsets.set(quarter, found);
    }
    return found;
  }

  wall(time) {
    return time + this.offset(time);
  }

  // The moment at which clocks show a wall time, or NaN where they skip it.
  at(wall) {
    const guess = wall - this.offset(wall);
    const time = wall - this.offset(guess);
    return this.wall(time) === wall ? time : this.wall(guess) === wall ? guess : NaN;
  }

  // "UTC", "UTC+2", "UTC−3:30"
  label(time) {
    const minutes = Math.round(this.offset(time) / MINUTE);
    const size = Math.abs(minutes);
    const rest = size % 60 ? `:${two(size % 60)}` : "";
    return minutes ? `UTC${minutes < 0 ? "−" : "+"}${Math.floor(size / 60)}${rest}` : "UTC";
  }
}

const ZONES = new Map();

// A zone by its name; UTC where this browser does not know it. Candles of a day or more are days of UTC everywhere.
export function zoneOf(name, step = 0) {
  const wanted = step >= DAY ? "UTC" : name;
  if (!ZONES.has(wanted)) {
    let zone;
    try {
      zone = new Zone(wanted);
    } catch {
      zone = zoneOf("UTC");
    }
    ZONES.set(wanted, zone);
  }
  return ZONES.get(wanted);
}

// Boundaries of hours, days, months… within [from, to], at least `least` milliseconds apart: [{ time, label, major }].
export function timeTicks(from, to, least, zone = zoneOf("UTC")) {
  const ticks = [];
  const push = (wall) => {
    const time = zone.at(wall);
    if (time >= from && time <= to) ticks.push({ time, ...boundaryLabel(wall) });
  };
  const [first, last] = [zone.wall(from), zone.wall(to)];
  const step = STEPS.find((s) => s >= least);
  if (step && step <= 2 * DAY) {
    for (let t = Math.ceil(first / step) * step; t <= last; t += step) push(t);
  } else if (step) {
    // days of a month, so that the first of the month is always among them
    const days = Math.round(step / DAY);
    const date = new Date(first);
    for (let y = date.getUTCFullYear(), m = date.getUTCMonth(); Date.UTC(y, m, 1) <= last; m++) {
      for (let d = 1; d <= 31 - days / 2; d += days) push(Date.UTC(y, m, d));
    }
  } else {
    const months = MONTH_STEPS.find((m) => m * MONTH >= least) ?? 120;
    const date = new Date(first);
    const begin = Math.floor((date.getUTCFullYear() * 12 + date.getUTCMonth()) / months) * months;
    for (let k = begin; ; k += months) {
      const t = new Date(Date.UTC(2000, 0, 1)).setUTCFullYear(Math.floor(k / 12), k % 12, 1);
      if (!(t <= last)) break;
      push(t);
    }
  }
  return ticks;
}

function boundaryLabel(wall) {
  const date = new Date(wall);
  if (wall % DAY) return { label: clock(date), major: false };
  const day = date.getUTCDate();
  if (day !== 1) return { label: `${day} ${MONTHS[date.getUTCMonth()]}`, major: true };
  const month = date.getUTCMonth();
  return { label: month ? MONTHS[month] : String(date.getUTCFullYear()), major: true };
}

const two = (number) => String(number).padStart(2, "0");
const clock = (date) => `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;

// "Fri 14 Jun 2024 02:45"; without the clock where candles last a day.
export function timeText(time, step, zone = zoneOf("UTC")) {
  if (time !== time) return "";
  const date = new Date(zone.wall(time));
  const weekday = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][date.getUTCDay()];
  const day = `${weekday} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
  return step >= DAY ? day : `${day}  ${clock(date)}`;
}

// "2020-03-13 02:00"
export function momentText(time, zone = zoneOf("UTC")) {
  return new Date(zone.wall(time)).toISOString().slice(0, 16).replace("T", " ");
}

// "2020-03-13 02:00 to 05:00 UTC", or both days where they differ.
export function spanText(start, end, zone = zoneOf("UTC")) {
  const [one, other] = [momentText(start, zone), momentText(end, zone)];
  return `${one} to ${one.slice(0, 10) === other.slice(0, 10) ? other.slice(11) : other} ${zone.label(start)}`;
}

// How long a stretch of time is: "3d 4h", "45m", "2y 31d".
export function lengthText(milliseconds) {
  const minutes = Math.round(Math.abs(milliseconds) / MINUTE);
  const units = [["y", 525600], ["d", 1440], ["h", 60], ["m", 1]];
  const parts = [];
  let rest = minutes;
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count && parts.length < 2) parts.push(`${count}${unit}`);
    else if (parts.length) break;
  }
  return parts.join(" ") || "0m";
}
