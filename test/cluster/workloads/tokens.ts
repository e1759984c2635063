// Unique tokens, told to bags and to relays that pass them on to bags, at once or by a timer.
//
//   T1. A token whose tell was acknowledged is in its bag once; one in doubt at most once; one refused never (P2, P6).
//   T2. A token is in a bag by a relay exactly as often as the relay has it as passed (P3).
//   T3. What one caller told one actor, and what one relay passed on to one bag at once, is there in the order of the calls (P5).

import type { Dice } from "../../sim/dice.ts";
import { Bag, Relay } from "../actors.ts";
import type { Caller, Fate } from "../caller.ts";
import { effectsOf } from "../caller.ts";
import type { Stored, Workload } from "./workload.ts";
import { Count, countsOf } from "./workload.ts";

const bags = 90;
const relays = 40;
/** Tells of one burst, which go out before the first is acknowledged. */
const burstMax = 8;

interface Token {
  readonly token: string;
  readonly bag: string;
  /** Undefined: told to the bag itself. */
  readonly relay: string | undefined;
  readonly caller: string;
  /** By ask, which may overtake what was told. */
  readonly isAsked: boolean;
  /** The relay passes it on after this. Unit: ms. Undefined: at once. */
  readonly afterMs?: number | undefined;
  fate: Fate | undefined;
}

type Destination = Pick<Token, "bag" | "relay" | "isAsked" | "afterMs">;

interface BagState {
  readonly tokens: readonly string[];
}

interface RelayState {
  readonly passed: readonly string[];
}

const laterMsMax = 1_500;

/** The key of the actor that gets the token first, and the name that it is kept by there. */
const firstPlace = ({ token, bag, relay }: Token) =>
  relay === undefined ? { key: `bag.${bag}`, name: token } : { key: `relay.${relay}`, name: `${token}>${bag}` };

export class Tokens implements Workload {
  readonly name = "tokens";
  readonly lanesPerCaller = 3;
  readonly everyMs = 60;
  readonly #tokens: Token[] = [];
  /** Names that stand at each key, as last seen. */
  readonly #seen = new Map<string, ReadonlySet<string>>();

  async act(caller: Caller, dice: Dice): Promise<void> {
    const bag = `b${dice.whole(0, bags - 1)}`;
    const relay = `r${dice.whole(0, relays - 1)}`;
    const manner = dice.one(["burst", "pass", "later", "ask"] as const);
    const afterMs = manner === "later" ? dice.whole(1, laterMsMax) : undefined;
    if (manner !== "burst") return this.#pass(caller, { relay, bag, isAsked: manner === "ask", afterMs });
    const puts = Array.from({ length: dice.whole(1, burstMax) }, () => this.#put(caller, bag));
    await Promise.all(puts);
  }

  saw(key: string, state: unknown): void {
    const names = key.startsWith("bag.")
      ? (state as BagState).tokens
      : key.startsWith("relay.")
        ? (state as RelayState).passed
        : undefined;
    if (names !== undefined) this.#seen.set(key, new Set(names));
  }

  get acknowledged(): number {
    return this.#tokens.filter(({ fate }) => fate === "acknowledged").length;
  }

  missing(): readonly string[] {
    const has = (key: string, name: string) => this.#seen.get(key)?.has(name) === true;
    return this.#tokens.flatMap((token) => {
      const first = firstPlace(token);
      if (token.fate === undefined) return `${token.token} is under way`;
      if (token.fate === "acknowledged" && !has(first.key, first.name)) return `${token.token} is not at ${first.key}`;
      if (token.relay === undefined || !has(first.key, first.name)) return [];
      return has(`bag.${token.bag}`, `${token.token}<${token.relay}`) ? [] : `${token.token} was not passed on`;
    });
  }

  check(stored: Stored) {
    const count = new Count();
    const broken: (string | undefined)[] = [];
    const lists = new Map<string, readonly string[]>();
    for (const [key, state] of stored) {
      if (key.startsWith("bag.")) lists.set(key, (state as BagState).tokens);
      if (key.startsWith("relay.")) lists.set(key, (state as RelayState).passed);
    }
    const counted = new Map([...lists].map(([key, list]) => [key, countsOf(list)]));
    const countAt = (key: string, name: string) => counted.get(key)?.get(name) ?? 0;
    for (const token of this.#tokens) {
      const fate = token.fate ?? "unknown";
      const first = firstPlace(token);
      const times = countAt(first.key, first.name);
      count.add(fate);
      broken.push(count.compare(`T1: ${token.token} (${fate}) at ${first.key}`, times, effectsOf[fate]));
      if (token.relay === undefined) continue;
      const there = countAt(`bag.${token.bag}`, `${token.token}<${token.relay}`);
      broken.push(count.compare(`T2: ${token.token} from ${token.relay} at bag.${token.bag}`, there, [times, times]));
    }
    broken.push(...strangersIn(lists, this.#tokens), ...this.#outOfOrder(lists));
    return { counts: count.counts, broken: broken.filter((each) => each !== undefined) };
  }

  async #put(caller: Caller, bag: string): Promise<void> {
    const token = this.#begin(caller, { bag, relay: undefined, isAsked: false });
    await settle(caller, token, caller.troupe.actor(Bag, bag).tell.put(token.token));
  }

  async #pass(caller: Caller, to: Destination): Promise<void> {
    const token = this.#begin(caller, to);
    const relay = caller.troupe.actor(Relay, to.relay ?? "");
    const { bag, afterMs } = to;
    const input = { token: token.token, to: bag, ...(afterMs === undefined ? {} : { afterMs }) };
    await settle(caller, token, to.isAsked ? relay.ask.pass(input, { timeoutMs: 4_000 }) : relay.tell.pass(input));
  }

  #begin(caller: Caller, to: Destination): Token {
    const token: Token = { ...to, token: caller.nextId(), caller: caller.name, fate: undefined };
    this.#tokens.push(token);
    return token;
  }

  #outOfOrder(lists: ReadonlyMap<string, readonly string[]>): readonly string[] {
    const told = new Map<string, string[]>();
    for (const token of this.#tokens) {
      if (token.isAsked || token.fate !== "acknowledged") continue;
      const { key, name } = firstPlace(token);
      const lane = `${key} ${token.caller}`;
      told.set(lane, [...(told.get(lane) ?? []), name]);
    }
    const late = new Set(this.#tokens.filter(({ afterMs }) => afterMs !== undefined).map(({ token }) => token));
    const faults: string[] = [];
    for (const [lane, names] of told) {
      const [key = ""] = lane.split(" ");
      if (!isInOrder(names, lists.get(key) ?? []))
        faults.push(`T3: what ${lane.replace(" ", " got from ")} is not in order`);
    }
    for (const [key, passed] of lists) {
      if (!key.startsWith("relay.")) continue;
      const relay = key.slice("relay.".length);
      for (const [bag, names] of passedBy(relay, passed, late)) {
        if (!isInOrder(names, lists.get(bag) ?? [])) faults.push(`T3: what ${bag} got from ${key} is not in order`);
      }
    }
    return faults;
  }
}

async function settle(caller: Caller, token: Token, ending: Promise<unknown>): Promise<void> {
  try {
    await ending;
    token.fate = "acknowledged";
  } catch (thrown) {
    token.fate = "unknown";
    token.fate = caller.fateOf(thrown);
  }
}

/** By bag, what a relay has passed on to it at once, under the names that it has there. */
function passedBy(
  relay: string,
  passed: readonly string[],
  late: ReadonlySet<string>,
): ReadonlyMap<string, readonly string[]> {
  const byBag = new Map<string, string[]>();
  for (const name of passed) {
    const [token = "", bag = ""] = name.split(">");
    if (late.has(token)) continue;
    const key = `bag.${bag}`;
    byBag.set(key, [...(byBag.get(key) ?? []), `${token}<${relay}`]);
  }
  return byBag;
}

/** Whether those of the names that are in the list stand there in their order. */
function isInOrder(names: readonly string[], list: readonly string[]): boolean {
  const places = new Map(list.map((name, at) => [name, at]));
  let last = -1;
  for (const name of names) {
    const place = places.get(name);
    if (place === undefined) continue;
    if (place < last) return false;
    last = place;
  }
  return true;
}

/** Names in the lists that nobody has sent. */
function strangersIn(lists: ReadonlyMap<string, readonly string[]>, tokens: readonly Token[]): readonly string[] {
  const known = new Set<string>();
  for (const token of tokens) {
    const { key, name } = firstPlace(token);
    known.add(`${key} ${name}`);
    if (token.relay !== undefined) known.add(`bag.${token.bag} ${token.token}<${token.relay}`);
  }
  return [...lists].flatMap(([key, list]) =>
    list.filter((name) => !known.has(`${key} ${name}`)).map((name) => `T1: nobody sent ${name}, which is at ${key}`),
  );
}
