// What retention would take out and why, without changing anything. A plan holds lines, counts and examples, not what
// goes: it stays small, can be shown, kept as JSON, and applied later.
//
// Only a scope's own entries count and go. A fork shows what its base still has: the base's policy decides.

import { isExpired, readFact, toFact } from "./fact.ts";
import type { Head } from "./head.ts";
import { readHead } from "./head.ts";
import { knownScopes, type ScopeChoice } from "./known-scopes.ts";
import { findEnd } from "./log-end.ts";
import { readPages } from "./log-pages.ts";
import { readStored } from "./log-record.ts";
import type { Segment } from "./log-segments.ts";
import { factKey, placeOf, positionOf, recordOf } from "./memory-keys.ts";
import type { MemoryStores } from "./memory-stores.ts";
import { CutFinder, isKept, type RetentionCut, type RetentionReason } from "./retention-cut.ts";
import type { RetentionDefault, RetentionPolicy } from "./retention-policy.ts";
import { checkPolicy, policyOf } from "./retention-policy.ts";
import type { Scope } from "./scope.ts";
import { scopeKey } from "./scope.ts";

export interface RetentionRequest extends ScopeChoice {
  /** Default: each scope's own, or what `defaults` says. */
  readonly policy?: RetentionPolicy;
  readonly defaults?: readonly RetentionDefault[];
  readonly onProgress?: (progress: RetentionProgress) => void;
}

export interface RetentionProgress {
  readonly scope: Scope;
  /** Scopes that are done. */
  readonly done: number;
  readonly total: number;
}

export interface RetentionPlan {
  /** As of when. Unit: ms since the Unix epoch. */
  readonly atMs: number;
  /** Scopes of which something goes. */
  readonly scopes: readonly PlannedScope[];
}

export interface PlannedScope {
  readonly scope: Scope;
  /** The scope's era: what is planned is void after an erasure. */
  readonly era: number;
  readonly policy: RetentionPolicy | undefined;
  readonly cut: RetentionCut | undefined;
  /** Entries that go. */
  readonly entries: number;
  /** Of their stored JSON. */
  readonly bytes: number;
  /** How many go for which reason; one entry may have several. */
  readonly reasons: Readonly<Record<RetentionReason, number>>;
  /** Positions of the oldest and the newest that goes; undefined when none does. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** The oldest of those that go. */
  readonly examples: readonly RetentionExample[];
  /** Entries that would go and stay, since they are pinned or the summary in force. */
  readonly spared: number;
  /** Entries of the scope that stay. */
  readonly staying: number;
  /** Forks that show what goes, and will not any more. */
  readonly forks: number;
  /** Facts whose time to live is over. */
  readonly expiredFacts: number;
  /** Records before the log's first one that something that was cut short has left. */
  readonly strays: number;
}

export interface RetentionExample {
  readonly position: number;
  readonly atMs: number;
  readonly text: string;
  readonly reasons: readonly RetentionReason[];
}

const pageSize = 100;
const examplesMax = 3;
const exampleLengthMax = 80;

/** Rejects with OPTION_INVALID, SCOPE_INVALID, MEMORY_UNREADABLE, CODEC_UNKNOWN, and as the stores do. */
export async function planRetention(stores: MemoryStores, request: RetentionRequest = {}): Promise<RetentionPlan> {
  const { policy, defaults = [], onProgress, signal } = request;
  for (const one of policy === undefined ? defaults.map((each) => each.policy) : [policy]) checkPolicy(one);
  const atMs = stores.clock.now();
  const scopes: PlannedScope[] = [];
  const known = await knownScopes(stores, request);
  for (const [done, { scope }] of known.entries()) {
    onProgress?.({ scope, done, total: known.length });
    const { head } = await readHead(stores.entries, scope);
    if (head.erasing !== undefined) continue;
    const planned = await planScope(stores, scope, policy ?? policyOf(scope, head, defaults), atMs, signal);
    if (planned.entries > 0 || planned.expiredFacts > 0 || planned.strays > 0) scopes.push(planned);
  }
  return { atMs, scopes };
}

async function planScope(
  stores: MemoryStores,
  scope: Scope,
  policy: RetentionPolicy | undefined,
  atMs: number,
  signal: AbortSignal | undefined,
): Promise<PlannedScope> {
  const { head, end } = await findEnd(stores, scope);
  const own = ownSegment(scope, head, end);
  const planned = policy === undefined ? nothingGoes : await planEntries(stores, own, head, policy, atMs, signal);
  let expiredFacts = 0;
  for await (const page of expiredFactPages(stores, scope, atMs, signal)) expiredFacts += page.length;
  let strays = 0;
  for await (const page of strayPages(stores, own, signal)) strays += page.length;
  const forks = planned.entries === 0 ? 0 : head.forks.length;
  return { scope, era: head.era, policy, ...planned, forks, expiredFacts, strays };
}

/** The records that are the scope's own, from the first one on. */
export function ownSegment(scope: Scope, { first, base }: Head, end: number): Segment {
  const afterBase = base === undefined ? 1 : recordOf(base.upTo) + 1;
  return { scope, first: Math.max(first, afterBase), last: end, upTo: Number.MAX_SAFE_INTEGER };
}

type PlannedEntries = Pick<
  PlannedScope,
  "cut" | "entries" | "bytes" | "reasons" | "from" | "to" | "examples" | "spared" | "staying"
>;

const nothingGoes: PlannedEntries = {
  ...{ cut: undefined, entries: 0, bytes: 0, from: undefined, to: undefined, examples: [], spared: 0, staying: 0 },
  reasons: { age: 0, entries: 0, bytes: 0 },
};

async function planEntries(
  stores: MemoryStores,
  own: Segment,
  head: Head,
  policy: RetentionPolicy,
  atMs: number,
  signal: AbortSignal | undefined,
): Promise<PlannedEntries> {
  const finder = new CutFinder(policy, atMs);
  const found = { entries: 0, bytes: 0, spared: 0, staying: 0, from: nothingGoes.from, to: nothingGoes.to };
  const reasons = { ...nothingGoes.reasons };
  let examples: RetentionExample[] = [];
  for await (const page of readPages(stores.entries, [own], { order: "newest", pageSize, signal })) {
    for (const { kv, record } of page) {
      const stored = await readStored(stores.codecs, kv);
      for (const [index, entry] of [...stored.entries()].toReversed()) {
        if (entry.gone === 1) continue;
        const position = positionOf(record, index);
        const bytes = Buffer.byteLength(JSON.stringify(entry));
        const why = finder.take({ position, atMs: entry.at ?? kv.writtenAtMs, bytes });
        if (why.length > 0 && isKept(head, position)) found.spared += 1;
        if (why.length === 0 || isKept(head, position)) {
          found.staying += 1;
          continue;
        }
        for (const reason of why) reasons[reason] += 1;
        found.entries += 1;
        found.bytes += bytes;
        found.from = position;
        found.to ??= position;
        const text = entry.text.slice(0, exampleLengthMax);
        examples = [{ position, atMs: entry.at ?? kv.writtenAtMs, text, reasons: why }, ...examples];
        examples.length = Math.min(examples.length, examplesMax);
      }
    }
  }
  return { ...found, cut: finder.cut, reasons, examples };
}

export interface KeptFact {
  readonly key: string;
  readonly revision: number;
}

/** Facts whose time to live was over then. */
export async function* expiredFactPages(
  { facts, codecs }: MemoryStores,
  scope: Scope,
  atMs: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly KeptFact[], void, undefined> {
  const keys = await facts.list(`${scopeKey(scope)}.fact.*`);
  for (let at = 0; at < keys.length; at += pageSize) {
    signal?.throwIfAborted();
    const expired: KeptFact[] = [];
    for (const [key, { value, revision, writtenAtMs }] of await facts.getMany(keys.slice(at, at + pageSize))) {
      const place = placeOf(key);
      if (place?.kind !== "fact") continue;
      const { name } = place;
      const fact = toFact(readFact(key, await codecs.decode(key, value)), { scope, name, key, revision, writtenAtMs });
      if (isExpired(fact, atMs)) expired.push({ key: factKey(scope, name), revision });
    }
    yield expired;
  }
}

/** Records before the first one that still hold something. */
export async function* strayPages(
  { entries }: Pick<MemoryStores, "entries">,
  own: Segment,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly KeptFact[], void, undefined> {
  const keys = (await entries.list(`${scopeKey(own.scope)}.log.*`)).filter((key) => {
    const place = placeOf(key);
    return place?.kind === "record" && place.record < own.first;
  });
  for (let at = 0; at < keys.length; at += pageSize) {
    signal?.throwIfAborted();
    const found = await entries.getMany(keys.slice(at, at + pageSize));
    yield [...found.values()].filter(({ value }) => value.length > 0).map(({ key, revision }) => ({ key, revision }));
  }
}
