// A client of the simulation: tells and asks at random, and writes down what it hears.

import { isTroupeError } from "../../src/core/errors.ts";
import type { Troupe } from "../../src/runtime/client.ts";
import { connect } from "../../src/runtime/client.ts";
import type { Manner } from "./actors.ts";
import type { Ringing } from "./bell.ts";
import { timerNames } from "./bell.ts";
import { firstKeyOf } from "./checkers.ts";
import type { Deed } from "./ledger.ts";
import { idsIn, idsOf } from "./ledger.ts";
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
  "TURN_TIMEOUT",
  "TYPE_UNSERVED",
]);
/** Errors after which nobody knows. */
const inDoubt = new Set(["ASK_TIMEOUT", "OUTCOME_UNKNOWN"]);

/** How much longer than it was given an ask may take: its clock drifts, and it explains what went wrong. Unit: ms. */
const askMsMax = (timeoutMs: number) => timeoutMs * 1.02 + 300;
/** A tell may wait behind others that are tried again, each for at most its own time. Unit: ms. */
const tellMsMax = 14_000;

export class Client {
  readonly #process: SimulatedProcess;
  readonly #stage: Stage;
  readonly #troupe: Troupe;
  readonly #name: string;
  readonly #stop = new AbortController();
  readonly #watched = new Map<string, { readonly ids: number; readonly revision: number }>();
  readonly #watching: Promise<void>;
  #left: number;
  #reads = 0;
  #isWatchOver = false;

  private constructor(stage: Stage, troupe: Troupe, process: SimulatedProcess, deeds: number) {
    this.#stage = stage;
    this.#troupe = troupe;
    this.#process = process;
    this.#name = process.name;
    this.#left = deeds;
    this.#watching = this.#watch();
  }

  /** One that is about to do so many deeds. */
  static async open(stage: Stage, process: SimulatedProcess, deeds: number): Promise<Client> {
    const { partitions } = stage.plan;
    const troupe = await connect({ ports: process.ports(stage.sabotage), partitions });
    return new Client(stage, troupe, process, deeds);
  }

  get name(): string {
    return this.#name;
  }

  /** Deeds that it has not begun yet. */
  get left(): number {
    return this.#left;
  }

  /** Reads that are not answered yet: none when everything has come to its end. */
  get reads(): number {
    return this.#reads;
  }

  begin(): void {
    const { clock, dice, plan } = this.#stage;
    if (this.#left === 0) return;
    clock.after(dice.whole(0, 2 * plan.deedEveryMs), () => {
      if (this.#process.isDead) return;
      this.#left -= 1;
      this.#act();
      this.begin();
    });
  }

  /** Its process dies: nobody hears what becomes of what it has begun. */
  kill(): void {
    this.#process.kill();
    this.#reads = 0;
    for (const deed of this.#stage.ledger.deeds) {
      if (deed.client === this.#name && deed.outcome === "pending") deed.outcome = "doubt";
    }
  }

  /** Asks each actor something: all of them answer again. */
  async probe(): Promise<void> {
    const { plan, actors, ledger } = this.#stage;
    for (const id of plan.relays) await this.#troupe.actor(actors.relay, id).ask.size(undefined, { timeoutMs: 60_000 });
    for (const id of plan.bells) await this.#troupe.actor(actors.bell, id).ask.size(undefined, { timeoutMs: 60_000 });
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
        this.#watched.set(key, { ids: idsIn(state).length, revision });
      }
    } catch (thrown) {
      ledger.fault(`P8: the watch of ${this.#name} broke: ${String(thrown)}`);
    }
    this.#isWatchOver = !this.#stop.signal.aborted;
  }

  #act(): void {
    const { dice, plan, ledger } = this.#stage;
    if (dice.happens(0.2)) return this.read();
    const order = ledger.deeds.length;
    const id = `${this.#name.slice(7)}-${order}`;
    if (plan.runShare > 0 && dice.happens(plan.runShare)) {
      const verb = dice.happens(0.5) ? "tell" : "ask";
      const what = { kind: "run", to: dice.one(plan.tallies) } as const;
      const deed: Deed = { id, client: this.#name, order, verb, isRepeatable: true, what, outcome: "pending" };
      return this.#begin(deed, false);
    }
    const verb = dice.happens(0.6) ? "tell" : "ask";
    const to = dice.one(plan.tallies);
    const relay = dice.one(plan.relays);
    const drawn = dice.random();
    const path = Array.from({ length: dice.whole(1, 4) }, () => dice.one(plan.relays));
    // An id is counted once for each relay, so a path comes by each of them once.
    const isPath = new Set(path).size === path.length;
    const pass = { relay, to, copies: dice.whole(1, 4), fails: dice.happens(0.1), isSlow: dice.happens(0.2) };
    const manner = dice.one<Manner>(["plain", "plain", "plain", "slow", "flaky", "poison", "step"]);
    let what: Deed["what"] = { kind: "note", to, manner };
    if (drawn < 0.3) what = { kind: "pass", ...pass };
    else if (drawn < 0.45 && isPath) what = { kind: "hop", path, to };
    else if (drawn < 0.55) what = { kind: "check", relay, to };
    else if (drawn < 0.7) {
      const does = dice.one<Ringing | "cancel">(["once", "once", "again", "cancel"]);
      const afterMs = dice.one([0, 300, 3_000, 20_000]);
      what = { kind: "timer", bell: dice.one(plan.bells), name: dice.one(timerNames), does, afterMs };
    }
    const isKeyed = verb === "ask" && dice.happens(0.3);
    const isRepeatable = verb === "tell" || isKeyed;
    this.#begin({ id, client: this.#name, order, verb, isRepeatable, what, outcome: "pending" }, isKeyed);
  }

  #begin(deed: Deed, isKeyed: boolean): void {
    const { dice, ledger } = this.#stage;
    const { id, verb, what } = deed;
    ledger.noteDeed(deed);
    ledger.note(`${this.#name} ${verb}s ${id} ${JSON.stringify(what)}`);
    const timeoutMs = dice.one([500, 3_000, 10_000]);
    const options = { timeoutMs, ...(isKeyed ? { idempotencyKey: id } : {}) };
    this.#watchTime(
      `${verb} ${id}`,
      verb === "ask" ? askMsMax(timeoutMs) : tellMsMax,
      () => deed.outcome === "pending",
    );
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

  /**
   * A read shows all of which somebody has heard when it begins: an owner whose time is over must not answer from what it
   * remembers.
   */
  read(): void {
    const { ledger, actors, dice, plan } = this.#stage;
    const to = dice.one(plan.tallies);
    const isQuery = dice.happens(0.5);
    const key = `tally.${to}`;
    const least = ledger.heardOf(key);
    const { ask } = this.#troupe.actor(actors.tally, to);
    const name = `${this.#name} reads ${key} as a ${isQuery ? "query" : "turn"}, ${least} are known`;
    ledger.note(name);
    const options = { timeoutMs: 3_000 };
    let isOver = false;
    this.#reads += 1;
    this.#watchTime(name, askMsMax(options.timeoutMs), () => !isOver);
    const end = () => {
      isOver = true;
      this.#reads -= 1;
    };
    (isQuery ? ask.size(undefined, options) : ask.count(undefined, options)).then(
      (size) => {
        end();
        ledger.note(`${name}: ${size}`);
        ledger.hear(key, size);
        if (size < least) ledger.fault(`E2: ${name}, and it got ${size}`);
        if (size > idsOf(ledger.committed(key)).length) ledger.fault(`P4: ${name}, and it got ${size}, uncommitted`);
      },
      (thrown: unknown) => {
        end();
        const code = isTroupeError(thrown) ? thrown.code : String(thrown);
        if (!withoutEffect.has(code) && !inDoubt.has(code)) ledger.fault(`${name} ended with ${code}`);
      },
    );
  }

  /** Nothing that a client waits for lasts longer than it was given. */
  #watchTime(name: string, ms: number, isWaiting: () => boolean): void {
    const { clock, ledger } = this.#stage;
    clock.after(ms, () => {
      if (isWaiting() && !this.#process.isDead) ledger.fault(`deadline: ${name} is not over after ${ms} ms`);
    });
  }

  async #send({ id, verb, what }: Deed, options: { readonly timeoutMs: number }): Promise<unknown> {
    const { tally, relay, flow } = this.#stage.actors;
    switch (what.kind) {
      case "note":
        return this.#troupe.actor(tally, what.to)[verb].note({ id, manner: what.manner }, options);
      case "pass": {
        const { to, copies, fails, isSlow } = what;
        return this.#troupe.actor(relay, what.relay)[verb].pass({ id, to, copies, fails, isSlow }, options);
      }
      case "hop": {
        const [first = "", ...path] = what.path;
        return this.#troupe.actor(relay, first)[verb].hop({ id, path, to: what.to }, options);
      }
      case "check":
        return this.#troupe.actor(relay, what.relay)[verb].check({ id, to: what.to }, options);
      case "run":
        return this.#troupe.actor(flow.run, id)[verb].start({ id, to: what.to }, options);
      case "timer": {
        const { name, does, afterMs } = what;
        const bell = this.#troupe.actor(this.#stage.actors.bell, what.bell)[verb];
        if (does === "cancel") return bell.cancel({ id, name }, options);
        return does === "again" ? bell.repeat({ id, name }, options) : bell.set({ id, name, afterMs }, options);
      }
    }
  }

  #settle(deed: Deed, outcome: Deed["outcome"], heard: string): void {
    const { ledger } = this.#stage;
    if (this.#process.isDead) return;
    deed.outcome = outcome;
    ledger.note(`${this.#name} hears of ${deed.id}: ${heard}`);
    if (outcome !== "done" || deed.verb !== "ask") return;
    const key = firstKeyOf(deed);
    const at = idsOf(ledger.committed(key)).indexOf(deed.id);
    ledger.hear(key, at + 1);
    if (at < 0) {
      ledger.fault(`P4: ${deed.id} was answered, and ${key} has not committed it`);
    }
  }
}
