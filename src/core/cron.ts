// Cron expressions, as nats-server (2.14 and later) understands them: it fires them in production, so what it would refuse
// is refused here, and the memory port fires at the same times.
//
//   C1. An expression is five fields (minute, hour, day of month, month, day of week), or six with the second before them.
//   C2. It fires at each instant whose local time in the zone matches all fields. So a time of day that a zone skips when its
//       clocks go forward does not fire that day, and one that comes twice when they go back fires twice.
//   C3. When day of month and day of week both say something, either will do; with `*` in one of them the other decides.

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** How far ahead a time is looked for: what does not fire in so long never does. Unit: years. */
const yearsMax = 5;

interface Field {
  /** What it is called in messages. */
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Names of the values from `min` on. */
  readonly words?: readonly string[];
}

const fields: readonly Field[] = [
  { name: "second", min: 0, max: 59 },
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  { name: "day of month", min: 1, max: 31 },
  {
    ...{ name: "month", min: 1, max: 12 },
    words: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
  },
  { name: "day of week", min: 0, max: 6, words: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

const shorthands: Readonly<Record<string, string>> = {
  "@yearly": "0 0 0 1 1 *",
  "@annually": "0 0 0 1 1 *",
  "@monthly": "0 0 0 1 * *",
  "@weekly": "0 0 0 * * 0",
  "@daily": "0 0 0 * * *",
  "@midnight": "0 0 0 * * *",
  "@hourly": "0 0 * * * *",
};

interface Values {
  readonly isStar: boolean;
  readonly allowed: ReadonlySet<number>;
}

export interface Cron {
  /** In six fields, as the server takes it. */
  readonly text: string;
  /** Second, minute, hour, day of month, month, day of week. */
  readonly fields: readonly Values[];
}

/** Reads an expression; a text that says what is wrong with it when it is none. */
export function parseCron(text: string): Cron | string {
  const trimmed = text.trim().toLowerCase();
  const words = (Object.hasOwn(shorthands, trimmed) ? (shorthands[trimmed] ?? "") : trimmed).split(/\s+/);
  const six = words.length === 5 ? ["0", ...words] : words;
  if (six.length !== fields.length) return `it has ${words.length} fields, 5 or 6 are needed`;
  const read: Values[] = [];
  for (const [at, field] of fields.entries()) {
    const values = readField(six[at] ?? "", field);
    if (typeof values === "string") return values;
    read.push(values);
  }
  return { text: six.join(" "), fields: read };
}

/** The first time after `afterMs` at which it fires; undefined when there is none within five years. Unit: ms. */
export function nextCronMs(cron: Cron, timeZone: string, afterMs: number): number | undefined {
  return firstBetween(cron, offsetIn(timeZone), afterMs, afterMs + yearsMax * 366 * day);
}

/** The last time before `beforeMs` at which it fires; undefined when there is none within five years. Unit: ms. */
export function previousCronMs(cron: Cron, timeZone: string, beforeMs: number): number | undefined {
  const offsetOf = offsetIn(timeZone);
  const firstAfter = (afterMs: number) => firstBetween(cron, offsetOf, afterMs, beforeMs - 1);
  let found: number | undefined;
  let high = beforeMs;
  for (let spanMs = minute; found === undefined && spanMs <= 2 * yearsMax * 366 * day; spanMs *= 2) {
    found = firstAfter(beforeMs - spanMs);
    if (found === undefined) high = beforeMs - spanMs;
  }
  // From here on halved: one that fires each second of January has done so 2.6 million times when May has come.
  for (let low = found ?? high; firstAfter(low) !== undefined; ) {
    const middle = Math.floor((low + high) / 2);
    const next = firstAfter(middle);
    if (next === undefined) high = middle;
    else low = found = next;
  }
  return found;
}

function firstBetween(
  cron: Cron,
  offsetOf: (ms: number) => number,
  afterMs: number,
  endMs: number,
): number | undefined {
  let now = (Math.floor(afterMs / second) + 1) * second;
  while (now <= endMs) {
    const local = new Date(now + offsetOf(now));
    const unit = mismatchOf(cron, local);
    if (unit === undefined) return now;
    now = advance(now, unit, offsetOf);
  }
  return undefined;
}

/** The zone's name as the server takes it; undefined when there is no such zone. Offsets such as `+01:00` are none. */
export function timeZoneOf(name: string): string | undefined {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return undefined;
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    // That is how Intl says that it does not know the zone.
    return undefined;
  }
}

function readField(text: string, field: Field): Values | string {
  const allowed = new Set<number>();
  let isStar = false;
  for (const part of text.split(",")) {
    const match = /^(?:([*?])|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:\/([0-9]{1,4}))?$/.exec(part);
    if (match === null) return `${JSON.stringify(part)} is no ${field.name}`;
    const [, star, from = "", to, stepText] = match;
    const step = stepText === undefined ? 1 : Number(stepText);
    const low = star === undefined ? numberOf(from, field) : field.min;
    // `5/10` means from 5 to the end in steps of 10.
    const isOpen = star !== undefined || (to === undefined && stepText !== undefined);
    const high = isOpen ? field.max : numberOf(to ?? from, field);
    if (low === undefined || high === undefined || step < 1) {
      return `${JSON.stringify(part)} is no ${field.name} (${field.min} to ${field.max})`;
    }
    if (low > high) return `the ${field.name} ${JSON.stringify(part)} ends before it begins`;
    if (star !== undefined && step === 1) isStar = true;
    for (let value = low; value <= high; value += step) allowed.add(value);
  }
  return { isStar, allowed };
}

function numberOf(text: string, { min, max, words = [] }: Field): number | undefined {
  const word = words.indexOf(text);
  const value = word >= 0 ? word + min : /^[0-9]{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}

/** The largest unit in which the local time does not match; undefined when all of it does. */
function mismatchOf({ fields }: Cron, local: Date): number | undefined {
  const has = (at: number, value: number) => fields[at]?.allowed.has(value) === true;
  const isEither = fields[3]?.isStar !== true && fields[5]?.isStar !== true; // C3
  const [ofMonth, ofWeek] = [has(3, local.getUTCDate()), has(5, local.getUTCDay())];
  const isDay = isEither ? ofMonth || ofWeek : ofMonth && ofWeek;
  if (!isDay || !has(4, local.getUTCMonth() + 1)) return day;
  if (!has(2, local.getUTCHours())) return hour;
  if (!has(1, local.getUTCMinutes())) return minute;
  return has(0, local.getUTCSeconds()) ? undefined : second;
}

/** Where the next unit of local time begins. On a day on which the clocks change, hours are looked at one by one. */
function advance(now: number, unit: number, offsetOf: (ms: number) => number): number {
  const local = now + offsetOf(now);
  const next = now + unit - (((local % unit) + unit) % unit);
  return unit === day && offsetOf(next) !== offsetOf(now) ? advance(now, hour, offsetOf) : next;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** How far the zone's clocks are ahead of UTC at an instant. Unit: ms. */
function offsetIn(timeZone: string): (ms: number) => number {
  if (timeZone === "UTC") return () => 0;
  const numeric = "numeric" as const;
  const parts = { year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric };
  const format = formats.get(timeZone) ?? new Intl.DateTimeFormat("en-US", { timeZone, hourCycle: "h23", ...parts });
  formats.set(timeZone, format);
  return (ms) => {
    const of = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day: ofMonth = 1, hour: ofDay, minute: ofHour, second: ofMinute } = of;
    return Date.UTC(year, month - 1, ofMonth, ofDay, ofHour, ofMinute) - Math.floor(ms / second) * second;
  };
}
