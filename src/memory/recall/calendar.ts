// Dates that a query speaks of, and how well a moment meets them. Days are those of UTC.

/** A part that is not there was not said. Months from 0, weekdays from 0 for Sunday. */
export interface DateWish {
  readonly year?: number;
  readonly month?: number;
  /** Days of the month, both included. */
  readonly days?: readonly [first: number, last: number];
  readonly weekday?: number;
  /** As it stands in the query. */
  readonly words: string;
}

const months = "january february march april may june july august september october november december".split(" ");
const weekdays = "sunday monday tuesday wednesday thursday friday saturday".split(" ");
const parts: Readonly<Record<string, readonly [number, number]>> = {
  first: [1, 7],
  second: [8, 14],
  third: [15, 21],
  fourth: [22, 28],
  last: [25, 31],
  beginning: [1, 10],
  start: [1, 10],
  early: [1, 10],
  middle: [11, 20],
  mid: [11, 20],
  late: [21, 31],
  end: [21, 31],
};
/** They are words of another meaning too, and count as months only beside a number or behind one of `before`. */
const doubtful = ["may", "march"];
const before = new Set(
  "in of since until till during by last next this early late mid around before after from".split(" "),
);

const yearOf = (word: string | undefined): number | undefined =>
  word !== undefined && /^(?:19|20)\d\d$/.test(word) ? Number(word) : undefined;

const dayOf = (word: string | undefined): number | undefined => {
  const day = Number(/^(\d{1,2})(?:st|nd|rd|th)?$/.exec(word ?? "")?.[1] ?? 0);
  return day >= 1 && day <= 31 ? day : undefined;
};

const monthOf = (word: string): number | undefined => {
  const at = months.findIndex((name) => name === word || (name.slice(0, 3) === word && !doubtful.includes(word)));
  if (word === "sept") return 8;
  return at < 0 ? undefined : at;
};

/** The dates in a query. `words`: all its words in order, in lower case. */
export function datesIn(words: readonly string[]): readonly DateWish[] {
  const wishes: DateWish[] = [];
  const taken = new Set<number>();
  for (const [at, word] of words.entries()) {
    if (taken.has(at)) continue;
    const wish = isoDate(words, at) ?? monthDate(words, at) ?? weekdayDate(word);
    if (wish === undefined) continue;
    wishes.push(wish.wish);
    for (let place = at; place < at + wish.length; place += 1) taken.add(place);
  }
  for (const [at, word] of words.entries()) {
    const year = yearOf(word);
    if (year !== undefined && !taken.has(at)) wishes.push({ year, words: word });
  }
  return wishes;
}

interface Found {
  readonly wish: DateWish;
  /** Words from the one on which it was found. */
  readonly length: number;
}

/** `2023-06-14`, whose parts are words of their own. */
function isoDate(words: readonly string[], at: number): Found | undefined {
  const [first, second, third] = words.slice(at, at + 3);
  const year = yearOf(first);
  if (year === undefined || !/^\d\d$/.test(second ?? "")) return undefined;
  const month = Number(second) - 1;
  if (month < 0 || month > 11) return undefined;
  const day = /^\d\d$/.test(third ?? "") ? dayOf(third?.replace(/^0/, "")) : undefined;
  if (day === undefined) return { wish: { year, month, words: `${first}-${second}` }, length: 2 };
  return { wish: { year, month, days: [day, day], words: `${first}-${second}-${third}` }, length: 3 };
}

/** `June`, `3 May`, `May 3rd, 2023`, `the last week of May 2023`. */
function monthDate(words: readonly string[], at: number): Found | undefined {
  const word = words[at] ?? "";
  const month = monthOf(word);
  if (month === undefined) return undefined;
  const isOf = words[at - 1] === "of" || words[at - 1] === "in";
  const dayBefore = dayOf(isOf ? words[at - 2] : words[at - 1]);
  const dayAfter = dayOf(words[at + 1]);
  const yearAt = dayAfter === undefined ? at + 1 : at + 2;
  const year = yearOf(words[yearAt]);
  const isMonth = dayBefore ?? dayAfter ?? year;
  if (doubtful.includes(word) && isMonth === undefined && !before.has(words[at - 1] ?? "")) return undefined;

  const day = dayBefore ?? dayAfter;
  const days = day === undefined ? partOf(words, at, isOf) : ([day, day] as const);
  const length = year === undefined ? (dayAfter === undefined ? 1 : 2) : yearAt - at + 1;
  const said = words.slice(dayBefore === undefined ? at : at - (isOf ? 2 : 1), at + length).join(" ");
  const wish = { month, ...(year === undefined ? {} : { year }), ...(days === undefined ? {} : { days }), words: said };
  return { wish, length };
}

/** Which days of the month are meant by `the first week of`, `late`, `the end of`. */
function partOf(words: readonly string[], at: number, isOf: boolean): readonly [number, number] | undefined {
  const place = isOf ? at - 2 : at - 1;
  const word = words[place] ?? "";
  const name = word === "week" || word === "weekend" ? (words[place - 1] ?? "") : word;
  // `last May` is a May, and `the first of May` was taken for no day before.
  if (name === "last" && word === name) return undefined;
  return parts[name];
}

function weekdayDate(word: string): Found | undefined {
  const weekday = weekdays.findIndex((name) => name === word || `${name}s` === word);
  return weekday < 0 ? undefined : { wish: { weekday, words: word }, length: 1 };
}

/** A calendar month of some year as one number. */
export function monthNumber(atMs: number): number {
  const moment = new Date(atMs);
  return moment.getUTCFullYear() * 12 + moment.getUTCMonth();
}

/**
 * How well a moment meets a wish, from 0 to 2: 1 for its month (two thirds of that in another year), half for a year or a
 * weekday alone, and 1 more for the day.
 */
export function dateMatch(wish: DateWish, atMs: number): number {
  const moment = new Date(atMs);
  if (wish.weekday !== undefined) return moment.getUTCDay() === wish.weekday ? 0.5 : 0;
  const isYear = wish.year === moment.getUTCFullYear();
  if (wish.month === undefined) return isYear ? 0.5 : 0;
  if (wish.month !== moment.getUTCMonth()) return 0;
  const share = wish.year === undefined || isYear ? 1 : 2 / 3;
  const day = moment.getUTCDate();
  const isDay = wish.days !== undefined && day >= wish.days[0] && day <= wish.days[1];
  return isDay ? share * 2 : share;
}
