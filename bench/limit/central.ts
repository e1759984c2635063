// A state that one process reads, changes and writes, as tight as the official connection allows: what was written last is
// remembered, changes of one key take turns, and each costs one publish. Transactions and queries have no tighter way by hand.

import { jetstream } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import type { CentralSide, Done, Place } from "../side.ts";
import { toError } from "../side.ts";
import { expecting, LeanLink, sequenceOf } from "./link.ts";

interface Account {
  balance: number;
  readonly owner: string;
}

interface Lane {
  readonly account: Account;
  revision: number;
  /** The first is under way. */
  readonly waiting: Done[];
}

const keyOf = (id: string): string => `account.${id}`;

export async function open({ servers, app }: Place): Promise<CentralSide> {
  const link = await LeanLink.open({ servers });
  const kv = await new Kvm(jetstream(link.connection)).create(`${app}_central`, { history: 8 });
  return new Lean(link, kv, `$KV.${app}_central.`);
}

class Lean implements CentralSide {
  readonly #link: LeanLink;
  readonly #kv: KV;
  readonly #prefix: string;
  readonly #lanes = new Map<string, Lane>();

  constructor(link: LeanLink, kv: KV, prefix: string) {
    this.#link = link;
    this.#kv = kv;
    this.#prefix = prefix;
  }

  async fill(count: number): Promise<void> {
    const one = (at: number) => {
      const id = `k${at}`;
      const lane: Lane = { account: { balance: 1_000, owner: `owner ${at % 100}` }, revision: 0, waiting: [] };
      this.#lanes.set(id, lane);
      return new Promise<void>((resolve, reject) =>
        this.#write(id, lane, (failure) => (failure === undefined ? resolve() : reject(failure))),
      );
    };
    await Promise.all(Array.from({ length: count }, (_, at) => one(at)));
  }

  update(id: string, done: Done): void {
    const lane = this.#lanes.get(id);
    if (lane === undefined) return done(new Error(`${id} is missing`), 0);
    lane.waiting.push(done);
    if (lane.waiting.length === 1) this.#next(id, lane);
  }

  transact(_ids: readonly string[], done: Done): void {
    done(new Error("transactions are not measured here"), 0);
  }

  query(_matches: number, done: Done): void {
    done(new Error("queries are not measured here"), 0);
  }

  async sum(keys: number): Promise<number> {
    const entries = await Promise.all(Array.from({ length: keys }, (_, at) => this.#kv.get(keyOf(`k${at}`))));
    return entries.reduce((all, entry) => all + (entry?.json<Account>().balance ?? 0), 0);
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  #next(id: string, lane: Lane): void {
    lane.account.balance += 1;
    this.#write(id, lane, (failure, revision) => {
      const done = lane.waiting.shift();
      if (lane.waiting.length > 0) this.#next(id, lane);
      done?.(failure, revision);
    });
  }

  #write(id: string, lane: Lane, done: Done): void {
    const body = Buffer.from(JSON.stringify(lane.account));
    this.#link.request(this.#prefix + keyOf(id), body, expecting(lane.revision), (ack) => {
      try {
        lane.revision = sequenceOf(ack.data);
        done(undefined, lane.revision);
      } catch (thrown) {
        done(toError(thrown), 0);
      }
    });
  }
}
