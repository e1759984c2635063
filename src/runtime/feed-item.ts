// What happens in a worker, as one line of its feed: for the dashboard's page, and for a person who subscribes to it.

import { decodeText } from "../core/codec.ts";
import type { RuntimeEvent, TurnKind } from "../core/events.ts";
import { addressOf, printAddress } from "../core/ids.ts";
import type { FeedFilter, FeedWish } from "./control.ts";
import { wishName } from "./control.ts";
import { levelOf } from "./event-log.ts";

export interface WorkerFeedItem {
  /** The event's kind: "turn-ended", "dead-lettered", … */
  readonly kind: string;
  /** By the worker's clock. Unit: ms since the epoch. */
  readonly atMs: number;
  /** What an operator must know, and a turn that has failed, is a warning at least. */
  readonly level: "info" | "warn" | "error";
  /** `type/id`; null when it is about no actor. */
  readonly actor: string | null;
  readonly method: string | null;
  readonly turn: TurnKind | null;
  readonly durationMs: number | null;
  readonly code: string | null;
  /** One line for a person. */
  readonly text: string;
  readonly trace: string | null;
}

/** What a worker tells its feed at a time, to all who follow it. */
export interface ToldBatch {
  readonly worker: string;
  readonly atMs: number;
  /** Oldest first. */
  readonly items: readonly WorkerFeedItem[];
  /** By the name of a wish (`wishName`): what happened besides that it asks for, and is not among them. */
  readonly skipped: Readonly<Record<string, number>>;
}

/** The same as one that follows the feed sees it: what it asked for. */
export interface FeedBatch {
  readonly worker: string;
  readonly atMs: number;
  readonly items: readonly WorkerFeedItem[];
  readonly skipped: number;
}

/** Longest text. Unit: characters. */
const textLengthMax = 300;

/** What nobody wants to read one by one: these are for the figures alone. */
const silent: ReadonlySet<RuntimeEvent["kind"]> = new Set([
  "watch-seen",
  "replica-seen",
  "cursor-saved",
  "handled", // Of whose turn it hears.
]);

export function isForFeed({ kind }: RuntimeEvent): boolean {
  return !silent.has(kind);
}

/** Whether the filter lets it through. Makes nothing. */
export function passesEvent(event: RuntimeEvent, only: FeedFilter | undefined): boolean {
  if (only === undefined) return true;
  if (only.kinds !== undefined && !only.kinds.includes(event.kind)) return false;
  if (only.level !== undefined && !isAsUrgent(feedLevelOf(event), only.level)) return false;
  if (only.methods !== undefined && !("method" in event && only.methods.includes(event.method))) return false;
  if (only.types === undefined && only.actor === undefined) return true;
  const actor = actorOf(event);
  if (actor === undefined) return false;
  return (only.types?.includes(actor.type) ?? true) && (only.actor === undefined || only.actor === printAddress(actor));
}

/** The same of an item that has come out of a worker. */
export function passesItem({ kind, actor, level, method }: WorkerFeedItem, only: FeedFilter | undefined): boolean {
  if (only?.kinds !== undefined && !only.kinds.includes(kind)) return false;
  if (only?.level !== undefined && !isAsUrgent(level, only.level)) return false;
  if (only?.methods !== undefined && (method === null || !only.methods.includes(method))) return false;
  const type = actor?.slice(0, actor.indexOf("/"));
  if (only?.types !== undefined && (type === undefined || !only.types.includes(type))) return false;
  return only?.actor === undefined || only.actor === actor;
}

/**
 * What of a batch is for one wish; undefined when nothing is. What is no batch, and items that are none, count as nothing: a feed's
 * subject is open to everybody, and a worker of another version may tell what this one does not know.
 */
export function readBatch(payload: Uint8Array, worker: string, { perSecond, only }: FeedWish): FeedBatch | undefined {
  let told: Partial<Record<keyof ToldBatch, unknown>> | null;
  try {
    told = JSON.parse(decodeText(payload));
  } catch {
    return undefined;
  }
  const { atMs, items, skipped } = told ?? {};
  if (typeof atMs !== "number" || !Array.isArray(items)) return undefined;
  // Somebody else may want other items of the same worker.
  const wanted = items.filter((item) => isItem(item) && passesItem(item, only));
  const counted: unknown = (skipped as ToldBatch["skipped"] | undefined)?.[wishName(perSecond, only)];
  const count = typeof counted === "number" ? Math.max(0, counted) : 0;
  return wanted.length === 0 && count === 0 ? undefined : { worker, atMs, items: wanted, skipped: count };
}

const levels: readonly unknown[] = ["info", "warn", "error"] satisfies WorkerFeedItem["level"][];

const isAsUrgent = (level: WorkerFeedItem["level"], least: WorkerFeedItem["level"]): boolean =>
  levels.indexOf(level) >= levels.indexOf(least);

/** Of a turn that has failed its asker hears, or it is tried again: it is no line of the log, but who looks for failures looks for it. */
function feedLevelOf(event: RuntimeEvent): WorkerFeedItem["level"] {
  const hasFailed = event.kind === "turn-ended" && event.error !== undefined;
  return levelOf(event) ?? (hasFailed ? "warn" : "info");
}

const isTextOrNull = (value: unknown) => value === null || typeof value === "string";

function isItem(value: unknown): value is WorkerFeedItem {
  const item = (value ?? {}) as Partial<Record<keyof WorkerFeedItem, unknown>>;
  const { kind, atMs, level, text, actor, method, turn, durationMs, code, trace } = item;
  const isWhole = typeof kind === "string" && typeof atMs === "number" && typeof text === "string";
  const isTimed = durationMs === null || typeof durationMs === "number";
  return isWhole && isTimed && levels.includes(level) && [actor, method, turn, code, trace].every(isTextOrNull);
}

export function feedItemOf(event: RuntimeEvent, atMs: number): WorkerFeedItem {
  const { kind } = event;
  const actor = actorOf(event);
  const error = "error" in event ? event.error : undefined;
  return {
    ...{ kind, atMs, level: feedLevelOf(event) },
    actor: actor === undefined ? null : printAddress(actor),
    method: "method" in event ? event.method : null,
    turn: kind === "turn-ended" ? event.turn : null,
    durationMs: "durationMs" in event ? event.durationMs : null,
    code: error?.code ?? ("code" in event ? (event.code ?? null) : null),
    text: textOf(event).slice(0, textLengthMax),
    trace: "trace" in event ? (event.trace ?? null) : null,
  };
}

/** The actor that it is about; of what is on its way to one, that one. */
function actorOf(event: RuntimeEvent): { readonly type: string; readonly id: string } | undefined {
  if ("actor" in event) return event.actor;
  return event.kind === "told" || event.kind === "asked" ? addressOf(event.to) : undefined;
}

/** A name in words, and what else the event says about itself. */
function textOf(event: RuntimeEvent): string {
  if (event.kind === "turn-ended") {
    return event.error === undefined ? `${event.turn} ${event.method}` : `${event.method}: ${event.error.message}`;
  }
  const { kind, ...values } = event;
  const told = Object.entries(values).flatMap(([name, value]) => (shown(name) ? [`${name} ${String(value)}`] : []));
  const message = "message" in event ? `: ${event.message}` : "";
  return `${kind.replaceAll("-", " ")}${message}${told.length === 0 ? "" : ` (${told.join(", ")})`}`;
}

const elsewhere: ReadonlySet<string> = new Set([
  "actor",
  "method",
  "code",
  "message",
  "trace",
  "durationMs",
  "messageId",
]);

const shown = (name: string): boolean => !elsewhere.has(name);
