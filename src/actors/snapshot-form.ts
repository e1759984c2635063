// The form of what is committed for an actor, apart from the state, which its schema checks. Whoever may write the bucket may have
// written the value, by hand too: a part that is not in its form would fail later, in the middle of a turn or beside all turns,
// and with it each worker in turn that has the actor.

import { addressOf, isName } from "../core/ids.ts";

type Check = (value: unknown) => boolean;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText: Check = (value) => typeof value === "string";
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isKey: Check = (value) => typeof value === "string" && addressOf(value) !== undefined;
const isPool: Check = (value) => typeof value === "string" && isName(value);
/** Those that every actor has by itself begin with `_`. */
const isMethod: Check = (value) => typeof value === "string" && isName(value.startsWith("_") ? value.slice(1) : value);
/** What is printed between quotes as it is. */
const isToken: Check = (value) => typeof value === "string" && /^[\w-]*$/.test(value);
const isDate: Check = (value) => typeof value === "string" && !Number.isNaN(Date.parse(value));

const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const recordOf =
  (check: Check): Check =>
  (value) =>
    isRecord(value) && Object.values(value).every(check);
const withParts = (parts: Readonly<Record<string, Check>>): Check => {
  const checks = Object.entries(parts);
  return (value) => isRecord(value) && checks.every(([name, check]) => check(value[name]));
};

const place = { in: isText, era: optional(isCount) };
const isWrite = withParts({ ...place, entry: isRecord, fact: (name) => name === undefined });
const isChange = withParts({ ...place, fact: isText, change: isRecord });

const numbered = { n: isCount, trace: optional(isToken) };
const entryForms: Readonly<Record<string, Check>> = {
  dead: withParts({
    ...numbered,
    dead: withParts({ seq: isCount, method: isText, code: isText, reason: isText, attempts: isCount }),
  }),
  memory: withParts({
    ...numbered,
    memory: (write) => isWrite(write) || isChange(write),
  }),
  mirror: withParts({ ...numbered, mirror: isText }),
  errand: withParts({
    ...{ ...numbered, errand: isToken, input: (value) => value !== undefined, steps: optional(isRecord) },
    fault: optional(withParts({ code: isText, message: isText })),
  }),
  timer: withParts({ ...numbered, timer: isText, cancels: optional(isCount) }),
  to: withParts({ ...numbered, to: isKey, pool: optional(isPool), method: isMethod }),
};
const isEntry: Check = (value) => {
  const kind = isRecord(value) ? Object.keys(entryForms).find((name) => name in value) : undefined;
  return kind !== undefined && entryForms[kind]?.(value) === true;
};

const isTimer = withParts({
  ...{ n: isCount, method: isMethod, at: optional(isDate), everyMs: optional(isCount) },
  ...{ cron: optional(isText), timeZone: optional(isText) },
});

const parts: readonly (readonly [string, Check])[] = Object.entries({
  inbox: withParts({ seq: optional(isCount), from: optional(recordOf(isCount)) }),
  outbox: listOf(isEntry),
  timers: recordOf(isTimer),
  sent: isCount,
  guard: isCount,
  replies: listOf(withParts({ key: isText })),
  steps: listOf(withParts({ of: isText, done: isRecord })),
  parent: withParts({ key: isKey, pool: optional(isPool), method: optional(isMethod) }),
  stopped: withParts({ code: isText, message: isText, at: isText, seq: isCount, errand: optional(isCount) }),
  epoch: isCount,
  trace: isToken,
});

/** The first part of a stored value that is not in its form; undefined when all are, or are left out. */
export function faultyPart(raw: object): string | undefined {
  const value = raw as Readonly<Record<string, unknown>>;
  return parts.find(([name, check]) => value[name] !== undefined && !check(value[name]))?.[0];
}
