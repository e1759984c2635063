// One counter by hand: a promise chain keeps its turns in order, and each turn commits alone before the next begins.

import type { JetStreamClient } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { stateSubject } from "../names.ts";

interface Stored {
  readonly state: { readonly count: number };
}

export class RawCounter {
  readonly #app: string;
  readonly #id: string;
  readonly #js: JetStreamClient;
  readonly #kv: KV;
  #count = 0;
  #revision = 0;
  #loading: Promise<void> | undefined;
  #lastTurn: Promise<unknown> = Promise.resolve();

  constructor(app: string, id: string, js: JetStreamClient, kv: KV) {
    this.#app = app;
    this.#id = id;
    this.#js = js;
    this.#kv = kv;
  }

  /** Adds `n` after all turns before; resolves to the count once it is stored. `sequence`: of a told message. */
  add(n: number, sequence?: number): Promise<number> {
    const turn = this.#lastTurn.then(() => this.#turn(n, sequence));
    this.#lastTurn = turn.catch(() => undefined);
    return turn;
  }

  async total(): Promise<number> {
    await this.#load();
    return this.#count;
  }

  async #turn(n: number, sequence: number | undefined): Promise<number> {
    await this.#load();
    const count = this.#count + n;
    const inbox = sequence === undefined ? undefined : { seq: sequence };
    const value = { state: { count }, inbox, commit: crypto.randomUUID() };
    const ack = await this.#js.publish(stateSubject(this.#app, `counter.${this.#id}`), JSON.stringify(value), {
      expect: { lastSubjectSequence: this.#revision },
    });
    this.#revision = ack.seq;
    this.#count = count;
    return count;
  }

  #load(): Promise<void> {
    this.#loading ??= this.#read();
    return this.#loading;
  }

  async #read(): Promise<void> {
    const entry = await this.#kv.get(`counter.${this.#id}`);
    if (entry === null) return;
    this.#count = entry.json<Stored>().state.count;
    this.#revision = entry.revision;
  }
}
