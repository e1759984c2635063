// What of the feed somebody wants to see. It stands in the address as it is here.

import type { FeedItem } from "../../../src/monitoring/dashboard/api/messages.ts";
import { keyOf } from "../actors/actor-key.ts";

export interface FeedFilter {
  readonly kind: string;
  readonly type: string;
  /** A part of `type/id`; with the slash that one and no other. */
  readonly actor: string;
  readonly method: string;
  /** The least that is shown: "info" is everything. */
  readonly level: string;
  /** A part of what is said. */
  readonly text: string;
}

export const filterNames = ["kind", "type", "actor", "method", "level", "text"] as const satisfies (keyof FeedFilter)[];

const levels: readonly string[] = ["info", "warn", "error"];

export const typeOf = ({ actor }: Pick<FeedItem, "actor">): string | null =>
  actor === null ? null : actor.slice(0, actor.indexOf("/"));

/** One function for many items: what is looked for is prepared once. */
export function matcherOf(filter: FeedFilter): (item: FeedItem) => boolean {
  const actor = filter.actor.toLowerCase();
  const isWhole = actorIn(filter.actor) !== undefined;
  const text = filter.text.toLowerCase();
  const least = levels.indexOf(filter.level);
  return (item) =>
    (filter.kind === "" || item.kind === filter.kind) &&
    (filter.type === "" || typeOf(item) === filter.type) &&
    (filter.method === "" || item.method === filter.method) &&
    levels.indexOf(item.level) >= least &&
    (isWhole ? item.actor === filter.actor : actor === "" || (item.actor?.toLowerCase().includes(actor) ?? false)) &&
    (text === "" || `${item.text} ${item.code ?? ""} ${item.worker}`.toLowerCase().includes(text));
}

/** The feed of one type, or of one actor, is asked for from the workers: of all that happens they tell a sample. */
export function patternOf({ type, actor }: Pick<FeedFilter, "type" | "actor">): string | undefined {
  const one = actorIn(actor);
  if (one !== undefined) return keyOf(one.type, one.id);
  return type === "" ? undefined : `${type}.*`;
}

/** So is what is asked of kind, method and level: in a sample of 10,000 events a second the one that failed would not be. */
export function onlyOf({ kind, method, level }: Pick<FeedFilter, "kind" | "method" | "level">): string {
  const wish = new URLSearchParams();
  if (kind !== "") wish.set("kind", kind);
  if (method !== "") wish.set("method", method);
  // Whatever stands in the address: the server refuses what it does not know, and then there would be no stream at all.
  if (levels.indexOf(level) > 0) wish.set("level", level);
  return String(wish);
}

function actorIn(text: string): { readonly type: string; readonly id: string } | undefined {
  const [, type, id] = /^([A-Za-z][\w-]*)\/(.+)$/.exec(text) ?? [];
  return type === undefined || id === undefined ? undefined : { type, id };
}

/** What is said, without what stands beside it already: the kind, the turn and the method. */
export function saidOf({ text, kind, turn, method }: Pick<FeedItem, "text" | "kind" | "turn" | "method">): string {
  if (text === `${turn} ${method}`) return "";
  return text.startsWith(kind) ? text.slice(kind.length).replace(/^[\s:]+/, "") : text;
}
