// A client of the run, with a way to the servers of its own, and what it learns of the fate of what it does.

import type { Troupe } from "../../src/index.ts";
import { connect, isTroupeError } from "../../src/index.ts";
import type { Route } from "./route.ts";
import { openRoute } from "./route.ts";

/** What the caller knows: it took effect, it may have, or it did not. */
export type Fate = "acknowledged" | "unknown" | "refused";

/** How often something of each fate may have taken effect: at least and at most. */
export const effectsOf: Readonly<Record<Fate, readonly [number, number]>> = {
  acknowledged: [1, 1],
  unknown: [0, 1],
  refused: [0, 0],
};

const inDoubt = new Set(["OUTCOME_UNKNOWN", "ASK_TIMEOUT"]);
const withoutEffect = new Set([
  "ASK_UNREACHABLE",
  "TELL_REFUSED",
  "FENCED",
  "MAILBOX_FULL",
  "COMMIT_REFUSED",
  "DRAINING",
]);

export class Caller implements AsyncDisposable {
  readonly name: string;
  readonly troupe: Troupe;
  readonly route: Route;
  /** Why things were refused or left in doubt, without what differs each time, and how often. */
  readonly reasons = new Map<string, number>();
  #count = 0;

  constructor(name: string, troupe: Troupe, route: Route) {
    this.name = name;
    this.troupe = troupe;
    this.route = route;
  }

  static async open(name: string, serverPorts: readonly number[]): Promise<Caller> {
    const route = await openRoute(serverPorts);
    const nats = { name, ignoreClusterUpdates: true };
    return new Caller(name, await connect({ servers: route.urls, nats }), route);
  }

  /** Names one thing that it does; later ones have higher numbers. */
  nextId(): string {
    this.#count += 1;
    return `${this.name}-${this.#count}`;
  }

  /** The fate of what ended with this error. Throws it when no fault that was made explains it. */
  fateOf(thrown: unknown): Exclude<Fate, "acknowledged"> {
    if (!isTroupeError(thrown)) throw thrown;
    const fate = inDoubt.has(thrown.code) ? "unknown" : withoutEffect.has(thrown.code) ? "refused" : undefined;
    if (fate === undefined) throw thrown;
    const reason = `${thrown.code}: ${thrown.message.replaceAll(/\S*\d\S*/g, "#")}`;
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
    return fate;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.route.heal();
    await this.troupe.close();
    await this.route[Symbol.asyncDispose]();
  }
}
