// Whether what is shown is so now: live, of a moment ago while the server is away, or being read again.
//
//   H1. Stale from the moment on at which the connection is known to be lost, or no second could be read for a while; and it
//       says of when the figures are.
//   H2. Live again only when a second has been read and every change that stood at the server then has been told.

import type { Clock } from "../core/clock.ts";
import type { HealthView } from "./dashboard/api/live.ts";

/** What has happened. */
export type HealthInput =
  | { readonly kind: "lost" }
  | { readonly kind: "restored" }
  /** A second was read. */
  | { readonly kind: "read"; readonly atMs: number }
  | { readonly kind: "unread"; readonly reason: string }
  /** Whether all that stood has been told. */
  | { readonly kind: "followed"; readonly isCurrent: boolean };

export interface Health {
  readonly isConnected: boolean;
  readonly isCurrent: boolean;
  /** When a second was read last. */
  readonly readAtMs: number;
  /** Seconds in a row that could not be read, and why. */
  readonly unread: number;
  readonly reason: string | null;
  /** A second was read since the connection was back. */
  readonly isReadAgain: boolean;
}

/** Seconds in a row without an answer that make it stale: one may be lost. */
const unreadMax = 2;

export function firstHealth(nowMs: number): Health {
  return {
    ...{ isConnected: true, isCurrent: false, readAtMs: nowMs, unread: 0, reason: null, isReadAgain: false },
  };
}

export function nextHealth(health: Health, input: HealthInput): Health {
  switch (input.kind) {
    case "lost":
      return { ...health, isConnected: false, isReadAgain: false, reason: "the connection to the server is lost" };
    case "restored":
      return { ...health, isConnected: true };
    case "read":
      return { ...health, readAtMs: input.atMs, unread: 0, reason: null, isReadAgain: true };
    case "unread":
      return { ...health, unread: health.unread + 1, reason: health.isConnected ? input.reason : health.reason };
    case "followed":
      return { ...health, isCurrent: input.isCurrent };
  }
}

export function healthViewOf({ isConnected, isCurrent, readAtMs, unread, reason, isReadAgain }: Health): HealthView {
  if (!isConnected || unread >= unreadMax) return { state: "stale", sinceMs: readAtMs, reason }; // H1
  if (isCurrent && isReadAgain) return { state: "live", sinceMs: readAtMs, reason: null }; // H2
  return { state: "catching-up", sinceMs: readAtMs, reason };
}

/** Holds the health, and tells when its state changes. */
export class HealthKeeper {
  readonly #listeners = new Set<(view: HealthView) => void>();
  #health: Health;

  constructor(clock: Clock) {
    this.#health = firstHealth(Math.round(clock.now()));
  }

  get view(): HealthView {
    return healthViewOf(this.#health);
  }

  get isConnected(): boolean {
    return this.#health.isConnected;
  }

  /** Returns the function that stops it. */
  onChange(listener: (view: HealthView) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  hear(input: HealthInput): void {
    const before = this.view;
    this.#health = nextHealth(this.#health, input);
    const { view } = this;
    if (view.state === before.state && view.reason === before.reason) return;
    for (const listener of this.#listeners) listener(view);
  }
}
