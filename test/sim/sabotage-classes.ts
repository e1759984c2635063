// Mistakes that no port sees: a method of the runtime is replaced on its class, and put back by the function that is
// returned. What is to be replaced must be there, so that a canary does not fall silent when the runtime changes.

import { Cell } from "../../src/runtime/cell.ts";
import { CellStore } from "../../src/runtime/cell-store.ts";
import { Lease } from "../../src/runtime/lease.ts";
import { Publisher } from "../../src/runtime/publisher.ts";

type Undo = () => void;

export const classMutations: Readonly<Record<string, (() => Undo) | undefined>> = {
  "early-reply": () =>
    replaceMethod(
      CellStore,
      "commit",
      (commit) =>
        function (batch) {
          for (const ended of batch) {
            if (ended.kind === "turn" && ended.message.kind === "ask" && ended.answer !== undefined) {
              ended.message.answer(ended.answer);
            }
          }
          return commit.call(this, batch);
        },
    ),
  "loose-guard": () => replaceGetter(CellStore, "unpublished", () => 0),
  "loose-errands": () => replaceGetter(CellStore, "oldestErrand", () => undefined),
  "mute-errands": () =>
    replaceMethod(
      Cell,
      "deliverAsk",
      (deliverAsk) =>
        function (message, turnId) {
          const { errand } = message;
          deliverAsk.call(
            this,
            errand === undefined ? message : { ...message, errand: { ...errand, sendings: [] } },
            turnId,
          );
        },
    ),
  "no-fence": () => replaceGetter(CellStore, "isUnfenced", () => false),
  "no-undo": () =>
    replaceMethod(
      CellStore,
      "rollBack",
      (rollBack) =>
        function () {
          const { working } = this;
          rollBack.call(this);
          this.working = working;
        },
    ),
  "stale-draft": () =>
    replaceMethod(
      CellStore,
      "load",
      (load) =>
        async function () {
          const { state, outbox, commit } = this.committed;
          const loaded = await load.call(this);
          if (commit !== "") {
            this.committed = { ...this.committed, state, outbox };
            this.working = this.committed;
          }
          return loaded;
        },
    ),
  "unordered-publisher": () =>
    replaceMethod(
      Publisher,
      "publish",
      (publish) =>
        function (entries) {
          publish.call(this, entries.toReversed());
        },
    ),
  "endless-lease": () => replaceGetter(Lease, "leftMs", () => 1_000_000),
};

/** A class, as far as its methods go. */
interface Class<Instance> {
  readonly prototype: Instance;
}

type MethodOf<Instance, Name extends keyof Instance> = Instance[Name] extends (...input: infer Input) => infer Output
  ? (this: Instance, ...input: Input) => Output
  : never;

function replaceMethod<Instance extends object, Name extends keyof Instance & string>(
  { prototype, name: className }: Class<Instance> & { readonly name: string },
  name: Name,
  make: (original: MethodOf<Instance, Name>) => MethodOf<Instance, Name>,
): Undo {
  const before = Object.getOwnPropertyDescriptor(prototype, name);
  if (typeof before?.value !== "function") throw new Error(`${className} has no method ${name} any more`);
  Object.defineProperty(prototype, name, { ...before, value: make(before.value as MethodOf<Instance, Name>) });
  return () => void Object.defineProperty(prototype, name, before);
}

function replaceGetter<Instance extends object, Name extends keyof Instance & string>(
  { prototype, name: className }: Class<Instance> & { readonly name: string },
  name: Name,
  get: () => Instance[Name],
): Undo {
  const before = Object.getOwnPropertyDescriptor(prototype, name);
  if (before?.get === undefined) throw new Error(`${className} has no property ${name} any more`);
  Object.defineProperty(prototype, name, { ...before, get });
  return () => void Object.defineProperty(prototype, name, before);
}
