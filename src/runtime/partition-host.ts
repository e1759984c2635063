// One owned partition: reads its mail, takes its asks, and hosts the activations of its actors.
//
//   H1. The cursor is the highest sequence at or below which every message is settled: committed, without effect, or
//       buried, and what it sent published. It only grows.
//   H2. What this worker cannot serve, and another may, is left in the stream and holds the cursor: a type that the app
//       knows, a state that is newer, or that a later epoch has written. An actor that was left once is not served again under this ownership, or
//       its later messages would pass the earlier ones.
//   H3. What comes for a stopped actor is not taken, and stays in the mail: the cursor waits before the first of it.

import type { GoneReason } from "../actors/activation.ts";
import type { AnyActor } from "../actors/definition.ts";
import type { MailBudget } from "../actors/mail-budget.ts";
import type { Answer, AskMessage, TellMessage } from "../actors/message.ts";
import { decodeInput } from "../actors/method-input.ts";
import { resumeMethod, wakeMethod } from "../actors/system-methods.ts";
import type { Question } from "../actors/turn.ts";
import type { Clock } from "../core/clock.ts";
import { encodeText } from "../core/codec.ts";
import { isTroupeError, messageOf, TroupeError } from "../core/errors.ts";
import type { EventStream } from "../core/events.ts";
import { FleetingMap, FleetingSet } from "../core/fleeting-map.ts";
import type { ActorAddress } from "../core/ids.ts";
import { addressOf } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";
import type { KvStore } from "../kv/store.ts";
import type { Activations } from "./activations.ts";
import { askOf } from "./ask-of.ts";
import { buryLetter, waitAgain } from "./burial.ts";
import { Cell } from "./cell.ts";
import type { AskOrigin, CellHost } from "./cell-host.ts";
import type { Committer } from "./committer.ts";
import type { Letter, Mail, MailReader, MailServer } from "./mail.ts";
import { keyOfLink } from "./mail-headers.ts";
import type { OwnedPartition } from "./ownership.ts";
import type { Needs } from "./placement.ts";
import { noNeeds } from "./placement.ts";
import { resumeActor } from "./resume.ts";
import type { Route } from "./routes.ts";
import { Strays } from "./strays.ts";
import { tellOf } from "./tell-of.ts";
import type { TypeFacts } from "./type-registry.ts";
import { unservedError } from "./type-registry.ts";
import type { WorkerMemory } from "./worker-memory.ts";

/** What all partitions of a worker share. */
export interface HostServices {
  readonly clock: Clock;
  readonly events: EventStream;
  readonly log: Logger;
  readonly pool: string;
  readonly mail: Mail;
  readonly state: KvStore;
  readonly committer: Committer;
  readonly memory: WorkerMemory;
  readonly actors: ReadonlyMap<string, AnyActor>;
  readonly activations: Activations;
  readonly mailBudget: MailBudget;
  readonly coarseNowMs: number;
  /** Looks at the clock: false when this worker's lease is over. */
  readonly isOwner: boolean;
  /** Resolves when it is known again what is owned; undefined while it is. */
  readonly verifying: Promise<void> | undefined;
  nextCommitId(): string;
  /** What the app knows of an actor type; undefined when no worker ever had it. */
  findType(type: string): TypeFacts | undefined;
  /** Brings what `findType` knows of it up to date: when nothing was known, or whatever was. Reject as a store's `get` does. */
  learnType(type: string): Promise<unknown>;
  lookUpType(type: string): Promise<void>;
  routeTo(pool: string | undefined): Promise<Route>;
  ask(question: Question, origin: AskOrigin): Promise<unknown>;
}

/** What a host has to say to whoever keeps its partition. */
export interface HostListener {
  /** What the partition's worker must be able to serve, and this one is not. */
  onNeed(needs: Needs): void;
  /** An actor's value shows that the partition has had a later epoch than ours. */
  onEpoch(epoch: number): void;
  /** The mail cannot be read on from where the cursor is. */
  onMailLost(error: TroupeError): void;
}

const nothing = new Uint8Array(0);
const typeOf = (key: string): string => key.slice(0, key.indexOf("."));

export class PartitionHost implements CellHost {
  readonly partition: number;
  readonly epoch: number;
  readonly #services: HostServices;
  readonly #cells = new FleetingMap<string, Cell>();
  readonly #busy = new FleetingSet<Cell>();
  readonly #strays: Strays;
  /** The stopped actors that were met here: where their mail waits from, and what askers are told (H3). */
  readonly #stopped = new Map<string, { readonly sequence: number; readonly error: TroupeError }>();
  readonly #lost = new AbortController();
  #reader: MailReader | undefined;
  #server: MailServer | undefined;
  #readUpTo: number;
  #cursorAtEnd: number | undefined;
  #isLeaving = false;
  /** Lowest sequence of what was left to another worker (H2). */
  #leftFrom = Infinity;
  readonly #left = new Map<string, TroupeError>();
  readonly #listener: HostListener;
  #onRest: (() => void) | undefined;

  constructor(services: HostServices, owned: OwnedPartition, listener: HostListener) {
    this.#services = services;
    this.partition = owned.partition;
    this.epoch = owned.epoch;
    this.#readUpTo = owned.cursor;
    this.#listener = listener;
    const { lookUpType } = services;
    this.#strays = new Strays(this, { lookUpType, tryLeave: (letter) => this.#tryLeave(letter) });
  }

  get clock(): Clock {
    return this.#services.clock;
  }
  get events(): EventStream {
    return this.#services.events;
  }
  get log(): Logger {
    return this.#services.log;
  }
  get mail(): Mail {
    return this.#services.mail;
  }
  get state(): KvStore {
    return this.#services.state;
  }
  get committer(): Committer {
    return this.#services.committer;
  }
  get memory(): WorkerMemory {
    return this.#services.memory;
  }
  get mailBudget(): MailBudget {
    return this.#services.mailBudget;
  }
  get coarseNowMs(): number {
    return this.#services.coarseNowMs;
  }
  get lost(): AbortSignal {
    return this.#lost.signal;
  }
  nextCommitId(): string {
    return this.#services.nextCommitId();
  }
  get isOwner(): boolean {
    return this.#services.isOwner && !this.lost.aborted;
  }
  routeTo(pool: string | undefined): Promise<Route> {
    return this.#services.routeTo(pool);
  }
  ask(question: Question, origin: AskOrigin): Promise<unknown> {
    return this.#services.ask(question, origin);
  }

  /** What its activations have sent and is not known to be stored yet. */
  get unpublished(): number {
    let count = 0;
    for (const cell of this.#busy) count += cell.unpublished;
    return count;
  }

  get cursor(): number {
    if (this.#cursorAtEnd !== undefined) return this.#cursorAtEnd;
    let cursor = Math.min(this.#readUpTo, this.#leftFrom - 1);
    for (const cell of this.#busy) cursor = Math.min(cursor, (cell.oldestSequence ?? Infinity) - 1);
    for (const { sequence } of this.#stopped.values()) cursor = Math.min(cursor, sequence - 1);
    return Math.min(cursor, this.#strays.oldest - 1);
  }

  /** Begins to read and to serve. Resolves when the server knows. */
  async start(): Promise<void> {
    const { mail } = this.#services;
    // In this order: an ask that is served before the mail is read would pass by what its asker has told before.
    const from = this.#readUpTo + 1;
    const onLost = (error: TroupeError) => this.#listener.onMailLost(error);
    this.#reader = await mail.read(this.partition, from, (letter) => this.#take(letter), onLost);
    this.#server = await mail.serve(
      this.partition,
      this.epoch,
      (request) => this.deliver(request.key, askOf(request, this.nextCommitId())),
      ({ key, askId }) => this.withdraw(key, askId),
    );
    if (this.lost.aborted) await this.#closeIntake();
  }

  /** Keys of the actors of which a turn or an errand has been under way for long. */
  get slowWork(): readonly string[] {
    return [...this.#busy].filter((cell) => cell.isSlow).map((cell) => cell.key);
  }

  /**
   * Stops the intake, and resolves when everything that was begun has ended or `signal` aborts. Told messages that wait
   * are left to the next owner.
   */
  async drain(signal: AbortSignal): Promise<void> {
    await this.#closeIntake();
    this.#isLeaving = true;
    for (const cell of [...this.#busy]) cell.leaveTells();
    while (this.#busy.size > 0 && !signal.aborted && !this.lost.aborted) {
      await new Promise<void>((resolve) => {
        this.#onRest = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  /** Ends every activation at once; nothing that happens afterwards has an effect here. */
  async end(why: GoneReason): Promise<void> {
    this.#cursorAtEnd ??= this.cursor; // What the activations held back, nobody holds back when they are gone.
    this.#lost.abort(new TroupeError("FENCED", `partition ${this.partition} is no longer owned here`));
    for (const cell of [...this.#cells.values()]) cell.end(why);
    this.#cells.clear();
    this.#busy.clear();
    await this.#closeIntake();
  }

  /** Ends the activations that have had nothing to do for their `idleMsMax`. */
  passivateIdle(): void {
    const now = this.coarseNowMs;
    for (const [key, cell] of this.#cells) {
      if (now - cell.lastActiveMs < cell.definition.idleMsMax || !cell.tryPassivate()) continue;
      this.#cells.delete(key);
      this.events.emit({ kind: "passivated", actor: cell.self, reason: "idle" });
    }
  }

  /** Hands an ask to its actor. */
  deliver(key: string, ask: AskMessage): void {
    const { verifying } = this.#services;
    if (verifying !== undefined) return void verifying.then(() => this.deliver(key, ask));
    if (!this.isOwner) {
      const error = new TroupeError("FENCED", `partition ${this.partition} is no longer owned here`);
      return ask.answer({ kind: "error", error });
    }
    const waiting = ask.chain.findLast((link) => keyOfLink(link) === key);
    if (waiting !== undefined && !this.#isQuery(key, ask.method)) {
      const cell = this.#cells.get(key);
      const mayEnter = waiting !== key && cell?.definition.isReentrant === true;
      if (mayEnter) return cell.deliverAsk(ask, waiting.slice(key.length + 1));
      const chain = [...ask.chain.map(keyOfLink), key];
      const text = `this ask comes back to an actor that waits for it: ${chain.join(" -> ")}`;
      return ask.answer({ kind: "error", error: new TroupeError("ASK_CYCLE", text, { data: { chain } }) });
    }
    const stopped = this.#stopped.get(key);
    if (stopped !== undefined && ask.method === resumeMethod) return void this.#resume(key, ask);
    if (stopped !== undefined) return ask.answer({ kind: "error", error: stopped.error });
    const cell = this.#cellOf(key, ask.method);
    if (cell instanceof TroupeError) return void this.#refuse(key, ask, cell);
    if (ask.method !== resumeMethod) return cell.deliverAsk(ask);
    // Whether it is stopped may show only when its value is read.
    const answer = (outcome: Answer) => {
      if (this.#stopped.has(key)) void this.#resume(key, ask);
      else ask.answer(outcome);
    };
    cell.deliverAsk({ ...ask, answer });
  }

  /** Its asker waits no longer for an ask. */
  withdraw(key: string, askId: string): void {
    this.#cells.get(key)?.withdraw(askId);
  }

  async readMailbox(key: string, fromSequence: number, most: number): Promise<readonly TellMessage[]> {
    for (let attempt = 0; !this.lost.aborted; attempt += 1) {
      try {
        return (await this.mail.readMailbox(this.partition, key, fromSequence, most)).map(tellOf);
      } catch (thrown) {
        this.log.warn(
          { partition: this.partition, error: messageOf(thrown) },
          "a mailbox could not be read, trying again",
        );
        await waitAgain(this, attempt);
      }
    }
    return [];
  }

  bury(cell: Cell, message: TellMessage, error: TroupeError): Promise<boolean> {
    const payload = typeof message.payload === "string" ? encodeText(message.payload) : (message.payload ?? nothing);
    const { method, sequence, from, number, messageId } = message;
    // From the dead letter to the run of it that failed last, also when nothing was traced where it was sent.
    const trace = message.turnTrace ?? message.trace;
    const letter = { key: cell.key, method, payload, sequence, meta: { messageId, from, number, trace } };
    return buryLetter(this, letter, { code: error.code, message: error.message, attempts: message.attempts });
  }

  stopped(key: string, sequence: number, error: TroupeError): void {
    this.#stopped.set(key, { sequence, error });
  }

  abandon(cell: Cell, error: TroupeError): void {
    const { schema, epoch } = (error.data ?? {}) as { readonly schema?: number; readonly epoch?: number };
    this.#left.set(cell.key, error);
    this.#leave(cell.oldestSequence ?? Infinity, schema === undefined ? noNeeds : { [cell.self.type]: schema });
    if (epoch !== undefined) this.#listener.onEpoch(epoch);
  }

  woke(cell: Cell): void {
    this.#busy.add(cell);
    this.#services.activations.woke(cell);
  }

  rested(cell: Cell, isOver: boolean): void {
    const { activations } = this.#services;
    if (this.#isLeaving) this.#leave(cell.oldestSequence ?? Infinity, noNeeds);
    this.#busy.delete(cell);
    if (cell.isGone && this.#cells.get(cell.key) === cell) this.#cells.delete(cell.key);
    if (this.#busy.size === 0) this.#onRest?.();
    if (cell.isGone) activations.remove(cell);
    else activations.rested(cell, isOver);
  }

  #take(letter: Letter): void {
    if (!this.isOwner) return;
    this.#readUpTo = Math.max(this.#readUpTo, letter.sequence);
    if (this.#stopped.has(letter.key)) return; // H3
    const cell = this.#cellOf(letter.key);
    if (!(cell instanceof TroupeError)) cell.deliverTell(tellOf(letter));
    else if (!this.#tryLeave(letter) && letter.method !== wakeMethod) void this.#strays.add(letter, cell);
  }

  /** Starts a stopped actor again; from there on its mail is read again. */
  async #resume(key: string, ask: AskMessage): Promise<void> {
    try {
      const { skip } = (decodeInput(ask.payload, "every actor", ask.method) ?? {}) as { readonly skip?: boolean };
      const from = await resumeActor(this, key, skip === true);
      if (from !== "running" && this.#stopped.delete(key)) {
        const cell = this.#cellOf(key);
        if (cell instanceof Cell) cell.catchUp(from.seq, this.#readUpTo);
        this.events.emit({ kind: "actor-resumed", actor: addressOf(key) ?? { type: key, id: "" } });
      }
      ask.answer({ kind: "ok", text: from === "running" ? '"running"' : '"resumed"' });
    } catch (thrown) {
      const error = isTroupeError(thrown) ? thrown : new TroupeError("STORE_FAILED", `${key}: ${messageOf(thrown)}`);
      ask.answer({ kind: "error", error });
    }
  }

  /** What nobody here takes, and another worker may (H2). */
  #tryLeave({ key, sequence }: Letter): boolean {
    const cell = this.#cellOf(key);
    if (!(cell instanceof TroupeError) || cell.retry !== "elsewhere") return false;
    this.#leave(sequence, noNeeds);
    return true;
  }

  /** Leaves what is at or above a sequence to a worker that can serve it (H2). */
  #leave(sequence: number, needs: Needs): void {
    this.#leftFrom = Math.min(this.#leftFrom, sequence);
    if (needs !== noNeeds) this.#listener.onNeed(needs);
  }

  /** `asked`: the method that it is asked first, if it is one. */
  #cellOf(key: string, asked?: string): Cell | TroupeError {
    const known = this.#cells.get(key);
    if (known !== undefined && !known.isGone) return known;
    const self = addressOf(key);
    if (self === undefined) return new TroupeError("ID_INVALID", `${key} is no actor's key`);
    const left = this.#left.get(key);
    if (left !== undefined) return left;
    const definition = this.#services.actors.get(self.type);
    if (definition === undefined) return this.#unserved(self);
    const begins = asked !== undefined && asked === definition.begins;
    const cell = new Cell(this, key, self, definition, begins);
    this.#cells.set(key, cell);
    this.#services.activations.add(cell);
    return cell;
  }

  /** What is not known may have been registered a moment ago (Y5 of `type-registry.ts`). */
  async #refuse(key: string, ask: AskMessage, error: TroupeError): Promise<void> {
    if (error.code === "TYPE_UNKNOWN") await this.#services.learnType(typeOf(key)).catch(() => undefined);
    const standing = this.#cellOf(key);
    ask.answer({ kind: "error", error: standing instanceof TroupeError ? standing : error });
  }

  #unserved(self: ActorAddress): TroupeError {
    const { pool, findType } = this.#services;
    const error = unservedError(self, pool, findType(self.type));
    if (error.code === "TYPE_UNSERVED") this.#listener.onNeed({ [self.type]: 1 });
    return error;
  }

  #isQuery(key: string, method: string): boolean {
    const methods = this.#services.actors.get(typeOf(key))?.methods;
    return methods !== undefined && Object.hasOwn(methods, method) && methods[method]?.kind === "query";
  }

  async #closeIntake(): Promise<void> {
    const open = [this.#server, this.#reader];
    this.#server = undefined;
    this.#reader = undefined;
    await Promise.all(open.map((each) => each?.close()));
  }
}
