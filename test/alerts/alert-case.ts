// What an alert is tried with: series as a scrape would bring them, and when it fires, with which words, and when not.

/** Unit of times: minutes since the first scrape. */
export type Course = (atMinutes: number) => number | undefined | "unread";

export interface AlertCase {
  readonly alert: string;
  /** What happens. */
  readonly when: string;
  /** By name and labels, as `worker` and `cluster` spell them. */
  readonly series: Readonly<Record<string, Course>>;
  readonly silentAt: readonly number[];
  /** Each time it fires once, as `says` has it. None: it must not fire at all. */
  readonly firesAt?: readonly number[];
  readonly says?: { readonly labels: Readonly<Record<string, string>>; readonly summary: string };
}

type Labels = Readonly<Record<string, string>>;

export const blue: Labels = { app: "desk", instance: "10.0.0.1:9464", job: "troupe-workers", name: "blue" };
export const dashboard: Labels = { app: "desk", instance: "10.0.0.9:4270", job: "troupe-dashboard" };

export function series(metric: string, labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${metric}{${pairs.join(",")}}`;
}

/** A series of the worker blue. */
export const worker = (metric: string, labels: Labels = {}): string => series(metric, { ...blue, ...labels });

/** A series of the dashboard. */
export const cluster = (metric: string, labels: Labels = {}): string => series(metric, { ...dashboard, ...labels });

/** A value from each time on; before the first, and from one without a value on, it is in no scrape. */
export function steps(...all: readonly (readonly [from: number, value?: number])[]): Course {
  return (at) => all.findLast(([from]) => from <= at)?.[1];
}

/** What grows by so much a minute, from a value at a time on. */
export function growing(perMinute: number, from = 0, first = 0): Course {
  return (at) => (at < from ? undefined : first + perMinute * (at - from));
}

/** As `course`, and nobody reads it meanwhile: neither the target nor its absence is known. */
export function unread(course: Course, from: number, to: number): Course {
  return (at) => (at >= from && at < to ? "unread" : course(at));
}

const metricStarted = "troupe_started_seconds";

/** A process that has run for a day. */
export const longRunning = { [worker(metricStarted)]: steps([0, -86_400]) };

/** One that was started at each of these times, and is scraped from a quarter of a minute after the first on. */
export function startedAt(...starts: readonly number[]): Readonly<Record<string, Course>> {
  const [first = 0] = starts;
  return {
    [worker(metricStarted)]: (at) =>
      at < first + 0.25 ? undefined : (starts.findLast((start) => start <= at) ?? 0) * 60,
  };
}

/** The cumulative buckets of a histogram, from how many were at most so large: `{ "0.5": course, "+Inf": course }`. */
export function buckets(
  metric: string,
  labels: Labels,
  counts: Readonly<Record<string, Course>>,
): Readonly<Record<string, Course>> {
  return Object.fromEntries(Object.entries(counts).map(([le, course]) => [worker(metric, { ...labels, le }), course]));
}
