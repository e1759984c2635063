// What one turn has of memories: what was brought before it began, what it reads, what it is going to write.
//
//   N1. What a turn writes is staged as what it sends is: it goes into the outbox of its commit, and nowhere else.
//   N2. Each write carries the era of its scope as it was before the turn read the scope, or, when it read nothing there, as it
//       was when the handler ended: what is formed of erased memory is not written.
//   N3. Reads see the store as it is when they are called, with what this actor has written in turns before and what this
//       turn has written so far.

import type { Json } from "../core/codec.ts";
import { printJson } from "../core/codec.ts";
import { TroupeError } from "../core/errors.ts";
import { traced } from "../core/trace.ts";
import type { Entry, NewEntry } from "../memory/entry.ts";
import { checkEntry } from "../memory/entry.ts";
import type { Fact, FactOptions } from "../memory/fact.ts";
import { storedFact } from "../memory/fact.ts";
import type { MergePolicyName } from "../memory/fact-policy.ts";
import { mergePolicyNames } from "../memory/fact-policy.ts";
import { factKey } from "../memory/memory-keys.ts";
import type { MemoryReads, ScopeEras } from "../memory/memory-reads.ts";
import { documentId } from "../memory/memory-reads.ts";
import { bringSpan } from "../memory/memory-spans.ts";
import type { FactChange, MemoryWrite, NamedWrite } from "../memory/memory-write.ts";
import type { RecallHit } from "../memory/recall/hit.ts";
import type { Scope } from "../memory/scope.ts";
import { scopeKey } from "../memory/scope.ts";
import type {
  MemoryFactOptions,
  MemoryInTurn,
  MemoryPlaceOptions,
  MemoryReadOptions,
  MemoryRecallOptions,
} from "./memory-context.ts";
import { originOf } from "./memory-log.ts";
import type { ActorMemory, ResolvedMemoryBring } from "./memory-options.ts";
import { memoryDefaults } from "./memory-options.ts";
import type { Message } from "./message.ts";
import type { MemorySending, Sending } from "./turn.ts";

/** What a turn needs of the world for its memory. Its functions need no `this`. */
export interface MemoryServices {
  readonly reads: MemoryReads;
  /** What this actor's turns have written, the oldest first, and the store may not have yet: all, or what is committed. */
  unwritten(of: "all" | "committed"): readonly NamedWrite[];
  /** Tries again while the store cannot be reached, for as long as this worker owns the actor. */
  untilRead<Found>(read: () => Promise<Found>): Promise<Found>;
}

export interface TurnMemoryOptions {
  readonly definition: ActorMemory;
  readonly services: MemoryServices;
  readonly message: Message;
  readonly scope: Scope;
  readonly scopes: readonly Scope[];
  /** Of the turns before. Taken before anything is read, so that what is stored meanwhile is seen at least once. */
  readonly unwritten: readonly NamedWrite[];
  /** Unit: ms since the Unix epoch. */
  readonly now: () => number;
  /** Unit: bytes. */
  readonly payloadBytesMax: number;
}

/** What the turn itself says to its memory. */
export interface TurnDoors {
  /** Throws TURN_OVER. */
  readonly checkOpen: () => void;
  /** Throws TURN_OVER, and QUERY_CHANGED_STATE in a query. */
  readonly checkMayChange: (what: string) => void;
  readonly stage: (sending: MemorySending) => void;
}

const readDefault = 100;
const readMax = 10_000;
const headerBytesMax = 1_024;
const nothingKnown: ReadonlyMap<string, Fact> = new Map();

export class TurnMemory {
  readonly #options: TurnMemoryOptions;
  /** Key text of a scope to its eras. */
  readonly #eras = new Map<string, ScopeEras>();
  readonly #before: readonly NamedWrite[];
  readonly #staged: NamedWrite[] = [];
  #window: readonly Entry[] = [];
  #recalled: readonly RecallHit[] = [];
  #facts = nothingKnown;

  constructor(options: TurnMemoryOptions) {
    this.#options = options;
    this.#before = options.unwritten;
  }

  get scope(): Scope {
    return this.#options.scope;
  }

  /** Reads what the definition brings for this argument. Rejects as `MemoryReads` does. */
  async bring(input: unknown): Promise<void> {
    const { bring } = this.#options.definition;
    if (bring === undefined) return;
    const span = () => bringSpan(this.#allScopes.map(scopeKey));
    await traced(span, () => this.#bring(bring, input));
  }

  async #bring({ windowTokens, recall, facts }: ResolvedMemoryBring, input: unknown): Promise<void> {
    const { services, scope } = this.#options;
    const scopes = this.#allScopes;
    const { reads } = services;
    const query = recall?.query(input) ?? "";
    const k = query === "" ? 0 : (recall?.k ?? 0);
    const [window, found, known] = await services.untilRead(async () => {
      await this.#noteEras(scopes);
      return Promise.all([
        windowTokens === undefined ? [] : reads.window(scope, windowTokens, this.#before),
        k === 0 ? [] : reads.recall({ query, scopes, k }, this.#before),
        facts === undefined ? nothingKnown : reads.facts(scopes, facts, this.#before),
      ]);
    });
    const shown = new Set(window.map(documentId));
    this.#window = window;
    this.#recalled = found.filter(({ document }) => !shown.has(document.id));
    this.#facts = known;
  }

  /** What the handler sees. */
  contextFor(doors: TurnDoors): MemoryInTurn {
    const of = this.#options;
    const write = (what: string, place: Scope | undefined, make: (scope: string) => MemoryWrite) => {
      doors.checkMayChange(what);
      const memory = make(scopeKey(place ?? of.scope));
      this.#checkSize(memory);
      this.#staged.push({ id: `staged ${this.#staged.length}`, write: memory });
      doors.stage({ memory });
    };
    const change = (name: string, options: MemoryFactOptions | undefined, made: (more: FactOptions) => FactChange) => {
      const { scope, ...own } = options ?? {};
      const more = { ...own, ...originOf(of.message) };
      factKey(scope ?? of.scope, name);
      write("change a fact", scope, (text) => ({ in: text, fact: name, change: made(more) }));
    };
    const read = async <Found>(
      scopes: readonly Scope[],
      look: (unwritten: readonly NamedWrite[]) => Promise<Found>,
    ) => {
      doors.checkOpen();
      const unwritten = [...this.#before, ...this.#staged];
      await this.#noteEras(scopes);
      const found = await look(unwritten);
      doors.checkOpen();
      return found;
    };
    const { reads } = of.services;
    return {
      scope: of.scope,
      window: this.#window,
      recalled: this.#recalled,
      facts: this.#facts,
      append: (entry, options?: MemoryPlaceOptions) =>
        write("write to memory", options?.scope, (text) => ({ in: text, entry: this.#checkedEntry(entry) })),
      setFact: (name, value, options) =>
        change(name, options, (more) => ({ kind: "set", value: this.#checkedValue(value, more), options: more })),
      mergeFact: (name, value, policy, options) =>
        change(name, options, (more) => {
          const checked = this.#checkedValue(value, more);
          return { kind: "merge", value: checked, policy: checkedPolicy(policy), options: more };
        }),
      deleteFact: (name, options) => change(name, options, (more) => ({ kind: "delete", options: more })),
      recall: (query, options: MemoryRecallOptions = {}) => {
        const { k = memoryDefaults.recallHits, scopes = this.#allScopes, kinds, sinceMs, untilMs } = options;
        return read(scopes, (unwritten) => reads.recall({ query, scopes, k, kinds, sinceMs, untilMs }, unwritten));
      },
      read: ({ scope = of.scope, last = readDefault }: MemoryReadOptions = {}) =>
        read([scope], (unwritten) => reads.last(scope, checkedCount(last), unwritten)),
      fact: (name, { scope = of.scope }: MemoryPlaceOptions = {}) =>
        read([scope], async (unwritten) => (await reads.facts([scope], [name], unwritten)).get(name)),
    };
  }

  /** The sendings of the turn that has ended, each write with its era (N2). Rejects as `MemoryReads` does. */
  async settle(sendings: readonly Sending[]): Promise<readonly Sending[]> {
    const unknown = new Set<string>();
    for (const sending of sendings) {
      if ("memory" in sending && !this.#eras.has(sending.memory.in)) unknown.add(sending.memory.in);
    }
    if (unknown.size > 0) {
      const { reads, untilRead } = this.#options.services;
      for (const [scope, eras] of await untilRead(() => reads.eras([...unknown]))) this.#eras.set(scope, eras);
    }
    return sendings.map((sending) => {
      if (!("memory" in sending)) return sending;
      const { memory } = sending;
      const eras = this.#eras.get(memory.in);
      return { memory: { ...memory, era: (memory.fact === undefined ? eras?.entries : eras?.facts) ?? 1 } };
    });
  }

  get #allScopes(): readonly Scope[] {
    return [this.#options.scope, ...this.#options.scopes];
  }

  /** Before anything of them is read. */
  async #noteEras(scopes: readonly Scope[]): Promise<void> {
    const unknown = scopes.map(scopeKey).filter((scope) => !this.#eras.has(scope));
    if (unknown.length === 0) return;
    for (const [scope, eras] of await this.#options.services.reads.eras(unknown)) {
      if (!this.#eras.has(scope)) this.#eras.set(scope, eras);
    }
  }

  #checkedEntry(entry: Omit<NewEntry, "id" | "cause" | "trace">): NewEntry {
    checkEntry(entry);
    const { role = "assistant", text, kind, speaker, data, atMs = this.#options.now(), pinned } = entry;
    const origin = originOf(this.#options.message);
    const made: NewEntry = {
      ...{ role, text, atMs, ...origin },
      ...(kind === undefined ? {} : { kind }),
      ...(speaker === undefined ? {} : { speaker }),
      ...(data === undefined ? {} : { data }),
      ...(pinned === undefined ? {} : { pinned }),
    };
    // As it is now: what the handler changes of it later is not written (U4).
    return JSON.parse(printJson(made, "ENTRY_INVALID", "an entry") ?? "{}") as NewEntry;
  }

  #checkedValue(value: Json, options: FactOptions): Json {
    storedFact(value, options, "", 1, this.#options.now());
    const text = printJson(value, "FACT_INVALID", "a fact");
    if (text === undefined) throw new TroupeError("FACT_INVALID", "a fact's value is missing; `deleteFact` forgets it");
    return JSON.parse(text) as Json;
  }

  #checkSize(write: MemoryWrite): void {
    const { payloadBytesMax } = this.#options;
    const text = JSON.stringify(write);
    if (text.length * 3 + headerBytesMax <= payloadBytesMax) return;
    if (Buffer.byteLength(text) + headerBytesMax <= payloadBytesMax) return;
    const what = write.fact === undefined ? "an entry" : `the fact ${JSON.stringify(write.fact)}`;
    throw new TroupeError("PAYLOAD_TOO_LARGE", `${what} in ${write.in} is larger than ${payloadBytesMax} bytes`);
  }
}

function checkedPolicy(policy: MergePolicyName): MergePolicyName {
  if (mergePolicyNames.includes(policy)) return policy;
  const text = `a fact is merged by one of ${mergePolicyNames.join(", ")}, got ${JSON.stringify(policy)}`;
  throw new TroupeError("FACT_INVALID", text);
}

function checkedCount(last: number): number {
  if (Number.isInteger(last) && last >= 1 && last <= readMax) return last;
  throw new TroupeError("OPTION_INVALID", `\`last\` must be a whole number from 1 to ${readMax}, got ${String(last)}`);
}
