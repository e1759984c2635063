// A client of the simulation: tells and asks at random, and writes down what it hears.

import { isTroupeError } from "../../src/core/errors.ts";
import type { Troupe } from "../../src/runtime/client.ts";
import { connect } from "../../src/runtime/client.ts";
import type { Manner } from "./actors.ts";
import type { Deed } from "./ledger.ts";
import { idsOf } from "./ledger.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Stage } from "./run.ts";

/** Errors after which a deed has had no effect and never will. */
const withoutEffect = new Set([
  "TELL_REFUSED",
  "HANDLER_FAILED",
  "ASK_UNREACHABLE",
  "COMMIT_REFUSED",
  "FENCED",
  "DRAINING",
  "MAILBOX_FULL",
]);
/** Errors after which nobody knows. */
const inDoubt = new Set(["ASK_TIMEOUT", "OUTCOME_UNKNOWN"]);

export class Client {
  readonly #stage: Stage;
  readonly #troupe: Troupe;
  readonly #name: string;
  readonly #stop = new AbortController();
  readonly #watched = new Map<string, { readonly ids: number; readonly revision: number }>();
  readonly #watching: Promise<void>;
  #left: number;
  #isWatchOver = false;

  private constructor(stage: Stage, troupe: Troupe, name: string) {
    this.#stage = stage;
    this.#troupe = troupe;
    this.#name = name;
    this.#left = stage.plan.deeds;
    this.#watching = this.#watch();
  }

  static async open(stage: Stage, process: SimulatedProcess): Promise<Client> {
    const { partitions } = stage.plan;
    const troupe = await connect({ ports: process.ports(stage.sabotage), partitions });
    return new Client(stage, troupe, process.name);
  }

  get hasBegunAll(): boolean {
    return this.#left === 0;
  }

  begin(): void {
    const { clock, dice, plan } = this.#stage;
    clock.after(dice.whole(0, 2 * plan.deedEveryMs), () => {
      this.#left -= 1;
      this.#act();
      if (this.#left > 0) this.begin();
    });
  }

  /** Asks each actor something: all of them answer again. */
  async probe(): Promise<void> {
    const { plan, actors, ledger } = this.#stage;
    for (const id of plan.tallies) {
      const size = await this.#troupe.actor(actors.tally, id).ask.size(undefined, { timeoutMs: 60_000 });
      const stands = idsOf(ledger.committed(`tally.${id}`)).length;
      if (size !== stands) ledger.fault(`P4: tally.${id} answers ${size}, and ${stands} are committed`);
    }
  }

  /** Closes; what it watched must have come to what stands (P8). */
  async end(): Promise<void> {
    const { ledger } = this.#stage;
    for (const key of ledger.keys) {
      const seen = this.#watched.get(key)?.ids ?? 0;
      const stands = idsOf(ledger.committed(key)).length;
      if (seen !== stands) ledger.fault(`P8: ${this.#name} saw ${seen} of ${stands} in ${key}`);
    }
    if (this.#isWatchOver) ledger.fault(`P8: the watch of ${this.#name} has ended`);
    this.#stop.abort();
    await this.#watching;
    await this.#troupe.close();
  }

  async #watch(): Promise<void> {
    const { ledger } = this.#stage;
    try {
      for await (const change of this.#troupe.watch(">", { signal: this.#stop.signal })) {
        if (change.kind !== "committed") continue;
        const { actor, state, revision } = change;
        const key = `${actor.type}.${actor.id}`;
        const before = this.#watched.get(key)?.revision ?? 0;
        if (revision <= before) ledger.fault(`P8: ${this.#name} saw ${key} go from ${before} to ${revision}`);
        const lists = state as { readonly seen?: readonly string[]; readonly passed?: readonly string[] };
        this.#watched.set(key, { ids: (lists.seen ?? lists.passed ?? []).length, revision });
      }
    } catch (thrown) {
      ledger.fault(`P8: the watch of ${this.#name} broke: ${String(thrown)}`);
    }
    this.#isWatchOver = !this.#stop.signal.aborted;
  }

  #act(): void {
    const { dice, plan, ledger } = this.#stage;
    const order = ledger.deeds.length;
    const id = `${this.#name.slice(-1)}-${order}`;
    const verb = dice.happens(0.6) ? "tell" : "ask";
    const to = dice.one(plan.tallies);
    const relay = dice.one(plan.relays);
    const drawn = dice.random();
    const path = Array.from({ length: dice.whole(1, 4) }, () => dice.one(plan.relays));
    // An id is counted once for each relay, so a path comes by each of them once.
    const isPath = new Set(path).size === path.length;
    const pass = { relay, to, copies: dice.whole(1, 4), fails: dice.happens(0.1) };
    const manner = dice.one<Manner>(["plain", "plain", "plain", "slow", "flaky", "poison", "step"]);
    let what: Deed["what"] = { kind: "note", to, manner };
    if (drawn < 0.3) what = { kind: "pass", ...pass };
    else if (drawn < 0.45 && isPath) what = { kind: "hop", path, to };
    else if (drawn < 0.55) what = { kind: "check", relay, to };
    const isKeyed = verb === "ask" && dice.happens(0.3);
    const isRepeatable = verb === "tell" || isKeyed;
    const deed: Deed = { id, client: this.#name, order, verb, isRepeatable, what, outcome: "pending" };
    ledger.deeds.push(deed);
    ledger.note(`${this.#name} ${verb}s ${id} ${JSON.stringify(what)}`);
    const timeoutMs = dice.one([500, 3_000, 10_000]);
    const options = { timeoutMs, ...(isKeyed ? { idempotencyKey: id } : {}) };
    this.#send(deed, options).then(
      () => this.#settle(deed, "done", "ok"),
      (thrown: unknown) => {
        const code = isTroupeError(thrown) ? thrown.code : String(thrown);
        // A message that fails now and then may have come twice, and failed once.
        const isMoody = isKeyed && code === "HANDLER_FAILED";
        if (withoutEffect.has(code) && !isMoody) return this.#settle(deed, "none", code);
        this.#settle(deed, "doubt", code);
        if (!inDoubt.has(code) && !isMoody) ledger.fault(`${verb} ${id} ended with ${code}`);
      },
    );
  }

  async #send({ id, verb, what }: Deed, options: { readonly timeoutMs: number }): Promise<unknown> {
    const { tally, relay } = this.#stage.actors;
    switch (what.kind) {
      case "note":
        return this.#troupe.actor(tally, what.to)[verb].note({ id, manner: what.manner }, options);
      case "pass": {
        const { to, copies, fails } = what;
        return this.#troupe.actor(relay, what.relay)[verb].pass({ id, to, copies, fails }, options);
      }
      case "hop": {
        const [first = "", ...path] = what.path;
        return this.#troupe.actor(relay, first)[verb].hop({ id, path, to: what.to }, options);
      }
      case "check":
        return this.#troupe.actor(relay, what.relay)[verb].check({ id, to: what.to }, options);
    }
  }

  #settle(deed: Deed, outcome: Deed["outcome"], heard: string): void {
    const { ledger } = this.#stage;
    deed.outcome = outcome;
    ledger.note(`${this.#name} hears of ${deed.id}: ${heard}`);
    if (outcome !== "done" || deed.verb !== "ask") return;
    const { what } = deed;
    const key = what.kind === "note" ? `tally.${what.to}` : `relay.${what.kind === "hop" ? what.path[0] : what.relay}`;
    if (!idsOf(ledger.committed(key)).includes(deed.id)) {
      ledger.fault(`P4: ${deed.id} was answered, and ${key} has not committed it`);
    }
  }
}
