// Who writes in a race: this process, or several others that run `writer-process.ts`.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Json } from "../../src/core/codec.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import type { Scope } from "../../src/memory/scope.ts";
import type { StorePlace } from "./place.ts";
import { type Attempt, attempt, type Race } from "./race.ts";

/** What a process of writers is told to do. */
export interface WriteOrder {
  readonly race: string;
  readonly scope: Scope;
  /** Number of its first writer, and how many they are. */
  readonly first: number;
  readonly count: number;
  readonly given: Json;
}

export type FromWriters =
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly attempts: readonly Attempt[] }
  | { readonly kind: "failed"; readonly reason: string };

/** Does a race's writes all at once. */
export type Writers = (race: Race, scope: Scope, count: number, given: Json) => Promise<readonly Attempt[]>;

export const writersHere =
  (stores: MemoryStores): Writers =>
  (race, scope, count, given) =>
    Promise.all(Array.from({ length: count }, (_, writer) => attempt(race, { stores, scope }, writer, given)));

export interface WriterProcesses extends AsyncDisposable {
  readonly writers: Writers;
}

/** Starts processes, each with a connection of its own, between which the writers are shared equally. */
export async function startWriters(place: StorePlace, processes: number): Promise<WriterProcesses> {
  const path = fileURLToPath(new URL("./writer-process.ts", import.meta.url));
  const children = Array.from({ length: processes }, () =>
    fork(path, [JSON.stringify(place)], { stdio: ["ignore", 2, 2, "ipc"], execArgv: [] }),
  );
  const close = async () => {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, "exit");
        child.kill("SIGKILL");
        await ended;
      }),
    );
  };
  try {
    await Promise.all(children.map((child) => answerOf(child, "ready")));
  } catch (thrown) {
    await close();
    throw thrown;
  }
  return {
    writers: async (race, scope, count, given) => {
      const share = Math.ceil(count / processes);
      const answers = children.map((child, at) => {
        const answer = answerOf(child, "done");
        const order = { first: at * share, count: Math.min(share, count - at * share) };
        child.send({ race: race.name, scope, given, ...order } satisfies WriteOrder);
        return answer;
      });
      return (await Promise.all(answers)).flatMap(({ attempts }) => attempts);
    },
    [Symbol.asyncDispose]: close,
  };
}

/** The next message of a process, which must be of this kind. */
function answerOf<Kind extends FromWriters["kind"]>(
  child: ChildProcess,
  kind: Kind,
): Promise<Extract<FromWriters, { kind: Kind }>> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null, signal: string | null) =>
      reject(new Error(`a process of writers ended in the middle of its work (${signal ?? code})`));
    child.once("exit", onExit);
    child.once("message", (message: FromWriters) => {
      child.off("exit", onExit);
      if (message.kind === kind) resolve(message as Extract<FromWriters, { kind: Kind }>);
      else reject(new Error(message.kind === "failed" ? message.reason : `writers said ${message.kind}`));
    });
  });
}
