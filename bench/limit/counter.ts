// One counter, as tight as it goes: a flag and a queue, no promise. Each message still commits alone, in order.

import type { Msg } from "@nats-io/transport-node";
import { stateStream, stateSubject } from "../names.ts";
import type { Done } from "../side.ts";
import { toError } from "../side.ts";
import type { LeanLink } from "./link.ts";
import { expecting, parse, sequenceOf } from "./link.ts";

export interface Turn {
  readonly n: number;
  /** Of a told message; 0 for an ask. */
  readonly sequence: number;
  readonly done: Done;
}

interface Stored {
  readonly state: { readonly count: number };
}

const writer = crypto.randomUUID().slice(0, 8);
const nothing = new Uint8Array(0);
let commits = 0;

export class LimitCounter {
  readonly #link: LeanLink;
  readonly #app: string;
  readonly #id: string;
  #count = 0;
  #revision = -1;
  #isBusy = false;
  #waiting: Turn[] | undefined;

  constructor(link: LeanLink, app: string, id: string) {
    this.#link = link;
    this.#app = app;
    this.#id = id;
  }

  add(turn: Turn): void {
    if (this.#isBusy) {
      this.#waiting ??= [];
      this.#waiting.push(turn);
      return;
    }
    this.#isBusy = true;
    if (this.#revision < 0) this.#load(() => this.#commit(turn));
    else this.#commit(turn);
  }

  total(done: Done): void {
    if (this.#revision < 0) this.#load(() => done(undefined, this.#count));
    else done(undefined, this.#count);
  }

  #commit(turn: Turn): void {
    const count = this.#count + turn.n;
    const commit = `${writer}${(commits++).toString(36)}`;
    const value =
      turn.sequence === 0 ? { state: { count }, commit } : { state: { count }, inbox: { seq: turn.sequence }, commit };
    const subject = stateSubject(this.#app, `counter.${this.#id}`);
    this.#link.request(subject, Buffer.from(JSON.stringify(value)), expecting(this.#revision), (ack) => {
      try {
        this.#revision = sequenceOf(ack.data);
      } catch (thrown) {
        return turn.done(toError(thrown), 0);
      }
      this.#count = count;
      turn.done(undefined, count);
      this.#next();
    });
  }

  #next(): void {
    const turn = this.#waiting?.shift();
    if (turn === undefined) this.#isBusy = false;
    else this.#commit(turn);
  }

  #load(then: () => void): void {
    const stream = stateStream(this.#app);
    const subject = `$JS.API.DIRECT.GET.${stream}.${stateSubject(this.#app, `counter.${this.#id}`)}`;
    this.#link.request(subject, nothing, undefined, (message) => {
      this.#take(message);
      then();
    });
  }

  #take(message: Msg): void {
    if (message.data.length === 0) {
      this.#revision = 0;
      return;
    }
    this.#count = (parse(message.data) as Stored).state.count;
    this.#revision = Number(message.headers?.get("Nats-Sequence"));
  }
}
