// One actor, as the store has it: its value, and what waits for it. Its values before: `actor-past.ts`.

import { readSnapshot } from "../../actors/snapshot.ts";
import { wakeMethod } from "../../actors/system-methods.ts";
import type { Timers } from "../../actors/timer.ts";
import { nextDueMs } from "../../actors/timer.ts";
import { decodeText } from "../../core/codec.ts";
import type { ActorAddress } from "../../core/ids.ts";
import { keyOf } from "../../core/ids.ts";
import { madeTraceIdOf } from "../../core/trace.ts";
import type { KvEntry } from "../../kv/store.ts";
import { readCommitted } from "../../runtime/changes.ts";
import type { Letter } from "../../runtime/mail.ts";
import { factsOf } from "../actor-row.ts";
import { callWorker, placeOf } from "../cluster-picture.ts";
import { withoutState } from "../state-apart.ts";
import { printWhen } from "../timer-words.ts";
import type { ActorView, LetterRow, MailboxView, TimerRow } from "./api/actors.ts";
import type { DashboardSources } from "./sources.ts";

/** Letters that are shown of a mailbox. */
const lettersMax = 50;
/** Longest argument that is shown. Unit: characters. */
const inputCharsMax = 500;
/** Largest value whose state comes along: a larger one nobody reads as a whole, and to parse it holds up everybody. Unit: bytes. */
const wholeBytesMax = 262_144;

/** Undefined when it has no committed value. Rejects with STATE_UNREADABLE, and as stores do. */
export async function readActor(
  sources: DashboardSources,
  actor: ActorAddress,
  status: string | null,
): Promise<ActorView | undefined> {
  const key = keyOf(actor);
  const entry = await sources.troupe.ports.state.get(key);
  if (entry === undefined) return undefined;
  const isLarge = entry.value.length > wholeBytesMax;
  const { state, schema, epoch, stopped, timers } = readCommitted(isLarge ? stateless(entry) : entry);
  const { cluster } = sources.now;
  const place = placeIn(sources, key);
  const owner = place?.owner ?? null;
  return {
    ...{ ...actor, ...factsOf(entry), status, state, isLarge, schema, epoch },
    ...{ pool: place?.pool ?? null, partition: place?.partition ?? null, owner },
    ownerName: owner === null ? null : callWorker(owner, cluster?.workers ?? []),
    stopped: stopped === undefined ? null : { code: stopped.code, message: stopped.message, at: stopped.at },
    timers: timerRows(timers, sources.clock.now()),
  };
}

/**
 * What is told and not committed. A message that changed nothing is in no commit: until the cursor has passed it, in about
 * a second, it counts as one that waits. Rejects with SERVER_UNREACHABLE, STORE_FAILED.
 */
export async function readActorMailbox(sources: DashboardSources, actor: ActorAddress): Promise<MailboxView> {
  const { troupe, inspector } = sources;
  const key = keyOf(actor);
  const [route, entry] = await Promise.all([troupe.routeOfType(actor.type), troupe.ports.state.get(key)]);
  const applied =
    entry === undefined ? 0 : readSnapshot(key, withoutState(entry.value), Number.MAX_SAFE_INTEGER).inbox.seq;
  const done = Math.max(applied, placeIn(sources, key)?.cursor ?? 0);
  const partition = route.partitionOf(key);
  const [{ messages }, letters] = await Promise.all([
    inspector.lagOf(route.pool, partition, done, key),
    route.mail.readMailbox(partition, key, done + 1, lettersMax),
  ]);
  const told = letters.filter(({ method }) => method !== wakeMethod);
  return { waiting: Math.max(0, messages - (letters.length - told.length)), letters: told.map(letterRow) };
}

/** For what is said of it besides its state. */
export function stateless(entry: KvEntry): KvEntry {
  return { ...entry, value: withoutState(entry.value) };
}

function placeIn({ now, troupe }: DashboardSources, key: string) {
  const { cluster, facts } = now;
  if (cluster === undefined || facts === undefined) return undefined;
  return placeOf(key, cluster, facts.pools, troupe.ports.pool);
}

function timerRows(timers: Timers, nowMs: number): readonly TimerRow[] {
  return Object.entries(timers).map(([name, { method, when }]) => {
    // The server counts an interval from when it was set, which stands nowhere.
    const nextMs = when.kind === "every" ? undefined : nextDueMs(when, nowMs);
    return { name, method, nextMs: nextMs ?? null, when: printWhen(when) };
  });
}

function letterRow({ sequence, method, meta, payload }: Letter): LetterRow {
  return {
    ...{ sequence, method, from: meta.from ?? null, bytes: payload.length },
    input: textOf(payload).slice(0, inputCharsMax),
    trace: madeTraceIdOf(meta.trace) ?? null,
  };
}

/** Anybody may have stored a message: what is no text is shown as its length. */
function textOf(payload: Uint8Array): string {
  try {
    return decodeText(payload);
  } catch {
    return `(${payload.length} bytes that are no text)`;
  }
}
