// The figures computed another way, from the whole list of what happened: no fold, no buckets that are added to, each figure by
// itself. What the product says is compared with it.

import type { RuntimeEvent } from "../../src/core/events.ts";
import type { FigureName } from "../../src/core/figure-catalog.ts";
import { figureOf } from "../../src/core/figure-catalog.ts";
import type { FiguresSnapshot, Series } from "../../src/core/figures.ts";
import { durationBounds, quantileOf } from "../../src/core/histogram.ts";

type Kind = RuntimeEvent["kind"];
type Of<K extends Kind> = Extract<RuntimeEvent, { readonly kind: K }>;

/** What one event adds to a figure: the values of its labels, in the catalogue's order, and what is measured, or how much is counted (1). */
type Row = readonly [labels: readonly string[], value?: number];

const typeOfKey = (key: string): string => key.split(".")[0] ?? "";

/** The labels of an actor's type and method: what no actor has is `unknown` (F2). */
function named(type: string, method: string, code: string | undefined): readonly [string, string] {
  const isKnown = code !== "TYPE_UNKNOWN" && code !== "ID_INVALID";
  return [isKnown ? type : "unknown", isKnown && code !== "METHOD_UNKNOWN" ? method : "unknown"];
}

/** What the events of one kind add. */
interface Rule {
  readonly kind: Kind;
  readonly row: (event: RuntimeEvent) => Row | undefined;
}

function from<K extends Kind>(kind: K, row: (event: Of<K>) => Row | undefined): readonly Rule[] {
  return [{ kind, row: (event) => row(event as Of<K>) }];
}

/** Every figure that comes of events, and which. */
const rules: Partial<Record<FigureName, readonly Rule[]>> = {
  "troupe.messages.told": [
    ...from("told", ({ to, method, code }) => [[...named(typeOfKey(to), method, code), "client", code ?? "ok"]]),
    ...from("sent", ({ to, method }) => [[typeOfKey(to), method, "actor", "ok"]]),
  ],
  "troupe.messages.asked": from("asked", ({ to, method, code }) => [
    [...named(typeOfKey(to), method, code), code ?? "ok"],
  ]),
  "troupe.ask.duration": from("asked", ({ to, method, code, durationMs }) => {
    return [named(typeOfKey(to), method, code), durationMs / 1e3];
  }),
  "troupe.messages.withdrawn": from("ask-withdrawn", ({ actor, method, was }) => [[actor.type, method, was]]),
  "troupe.messages.retried": from("turn-retried", ({ actor, method, code }) => [[actor.type, method, code]]),
  "troupe.messages.dead": from("dead-lettered", ({ actor, method, code }) => [
    [...named(actor.type, method, code), code],
  ]),
  "troupe.messages.handled": from("handled", ({ actor, method, turn, code }) => {
    return [[...named(actor.type, method, code), turn, code ?? "ok"]];
  }),
  "troupe.mailbox.full": from("mailbox-full", ({ actor }) => [[actor.type]]),
  "troupe.turns": from("turn-ended", ({ actor, method, turn, error }) => {
    return [[...named(actor.type, method, error?.code), turn, error?.code ?? "ok"]];
  }),
  "troupe.turn.duration": from("turn-ended", ({ actor, method, turn, durationMs, error }) => {
    return [[...named(actor.type, method, error?.code), turn], durationMs / 1e3];
  }),
  "troupe.commit.duration": from("committed", ({ actor, durationMs }) => [[actor.type], durationMs / 1e3]),
  "troupe.commit.turns": from("committed", ({ actor, turns }) => [[actor.type], turns]),
  "troupe.commit.bytes": from("committed", ({ actor, bytes }) => [[actor.type], bytes]),
  "troupe.commits.failed": [
    ...from("commit-refused", ({ actor }) => [[actor.type, "refused"]]),
    ...from("superseded", ({ actor }) => [[actor.type, "superseded"]]),
    ...from("commit-given-up", ({ actor }) => [[actor.type, "given-up"]]),
  ],
  "troupe.conflicts": from("conflict", ({ bucket, of }) => [[bucket, of]]),
  "troupe.activated": from("activated", ({ actor }) => [[actor.type]]),
  "troupe.passivated": from("passivated", ({ actor, reason }) => [[actor.type, reason]]),
  "troupe.timer.late": from("timer-fired", ({ actor, lateMs }) => [[actor.type], lateMs / 1e3]),
  "troupe.partitions.taken": from("partition-taken", ({ pool }) => [[pool]]),
  "troupe.partitions.given": from("partition-given", ({ pool }) => [[pool]]),
  "troupe.partition.ownerless": from("partition-taken", ({ pool, ownerlessMs }) => {
    return ownerlessMs === undefined ? undefined : [[pool], ownerlessMs / 1e3];
  }),
  "troupe.partitions.lost": from("ownership-lost", ({ pool, partitions }) => [[pool], partitions]),
  "troupe.connection.lost": from("connection-lost", () => [[]]),
  "troupe.watch.lag": from("watch-seen", ({ bucket, lagMs }) => [[bucket], lagMs / 1e3]),
  "troupe.watch.restarts": from("watch-restarted", ({ bucket }) => [[bucket]]),
  "troupe.replica.lag": from("replica-seen", ({ bucket, lagMs }) => [[bucket], lagMs / 1e3]),
  "troupe.replica.restarts": from("replica-restarted", ({ bucket }) => [[bucket]]),
  "troupe.recall.duration": from("recalled", ({ by, durationMs }) => [[by], durationMs / 1e3]),
  "troupe.recall.hits": from("recalled", ({ by, hits }) => [[by], hits]),
  "troupe.workflow.task.duration": from("task-ended", ({ workflow, task, code, durationMs }) => {
    return [[workflow, task, code ?? "ok"], durationMs / 1e3];
  }),
  "troupe.workflow.waiting.duration": from("waiting-ended", (event) => {
    return [[event.workflow, event.for], event.durationMs / 1e3];
  }),
};

/** The figures that come of events. */
export const foldedFigures: readonly string[] = Object.keys(rules);

/** What is not so, in words; empty when every figure of these events is right, and there is none that they do not account for. */
export function figureFaults(events: readonly RuntimeEvent[], { series }: FiguresSnapshot): readonly string[] {
  const faults: string[] = [];
  const accounted = new Set<Series>();
  const byKind = Map.groupBy(events, ({ kind }) => kind);
  for (const [name, ofFigure] of Object.entries(rules)) {
    const { labels: names = [] } = figureOf(name) ?? {};
    const byLabels = Map.groupBy(
      ofFigure.flatMap(({ kind, row }) => (byKind.get(kind) ?? []).map(row).filter((made) => made !== undefined)),
      ([values]) => JSON.stringify(Object.fromEntries(names.map((label, at) => [label, values[at]]))),
    );
    for (const [labels, rows] of byLabels) {
      const found = series.find((one) => one.name === name && JSON.stringify(one.labels) === labels);
      if (found !== undefined) accounted.add(found);
      faults.push(...faultsOf(`${name} ${labels}`, found, rows));
    }
  }
  for (const one of series) {
    const isEmpty = "value" in one ? one.value === 0 : one.counts.every((count) => count === 0);
    const isFolded = Object.hasOwn(rules, one.name);
    if (isFolded && !accounted.has(one) && !isEmpty)
      faults.push(`${one.name} ${JSON.stringify(one.labels)}: of nothing`);
  }
  return faults;
}

function faultsOf(what: string, found: Series | undefined, rows: readonly Row[]): readonly string[] {
  if (found === undefined) return [`${what}: missing, ${rows.length} happened`];
  if ("value" in found) {
    const counted = rows.reduce((total, [, value = 1]) => total + value, 0);
    return found.value === counted ? [] : [`${what}: ${found.value} instead of ${counted}`];
  }
  const values = rows.map(([, value]) => value ?? Number.NaN).sort((a, b) => a - b);
  const bounds = figureOf(found.name)?.bounds ?? [];
  const counts = [...bounds, Number.POSITIVE_INFINITY].map((bound, at) => {
    const below = bounds[at - 1] ?? Number.NEGATIVE_INFINITY;
    return values.filter((value) => value > below && value <= bound).length;
  });
  const faults: string[] = [];
  if (JSON.stringify(counts) !== JSON.stringify(found.counts)) faults.push(`${what}: other buckets`);
  const sum = values.reduce((total, value) => total + value, 0);
  if (Math.abs(found.sum - sum) > 1e-6 * Math.max(1, sum)) faults.push(`${what}: sum ${found.sum} instead of ${sum}`);
  if (found.max < (values.at(-1) ?? 0)) faults.push(`${what}: max ${found.max}, but there was ${values.at(-1)}`);
  for (const q of [0.5, 0.95, 0.99]) faults.push(...quantileFaults(`${what} ${q}`, found, values, q));
  return faults;
}

/** Within 10 % of the truth where the bounds promise it. */
function quantileFaults(
  what: string,
  { name, counts }: Series & { readonly counts: readonly number[] },
  sorted: readonly number[],
  q: number,
): readonly string[] {
  const { bounds = [], unit } = figureOf(name) ?? {};
  const truth = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
  if (bounds !== durationBounds || unit !== "s" || truth < 50e-6 || truth > 100) return [];
  const told = quantileOf(bounds, counts, q) ?? Number.NaN;
  return Math.abs(told - truth) <= 0.1 * truth ? [] : [`${what}: ${told} instead of ${truth}`];
}
