// Starts the processes of a side, and speaks with them.

import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Assignment, CommandsOf, FromChild, ToChild } from "./child.ts";
import type { Role } from "./side.ts";

/** How long a child may take to close by itself before it is killed. Unit: ms. */
const closeMsMax = 10_000;

type Order<C, K extends keyof C> = C[K] extends (...args: infer A) => unknown ? A : never;
type Result<C, K extends keyof C> = C[K] extends (...args: never) => Promise<infer R> ? R : never;

export class Child<C> {
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  #calls = 0;

  constructor(process: ChildProcess) {
    this.#process = process;
    process.on("message", (message: FromChild) => this.#receive(message));
    this.#exited = new Promise((resolve) => process.once("exit", () => resolve()));
    void this.#exited.then(() => {
      const failure = new Error(`process ${process.pid} ended in the middle of its work`);
      for (const waiting of this.#pending.values()) waiting.reject(failure);
      this.#pending.clear();
    });
  }

  call<K extends keyof C & string>(command: K, ...orders: Order<C, K>): Promise<Result<C, K>> {
    const id = this.#calls++;
    const waiting = Promise.withResolvers<unknown>();
    this.#pending.set(id, waiting);
    const message: ToChild = { kind: "call", id, command, order: (orders as readonly unknown[])[0] };
    this.#process.send(message);
    return waiting.promise as Promise<Result<C, K>>;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }
  /** Resolves when the process has ended, whatever ended it. */
  get exited(): Promise<void> {
    return this.#exited;
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Asks the child to close, and kills it when it does not. Idempotent. */
  async close(): Promise<void> {
    if (this.#process.connected) this.#process.send({ kind: "close" } satisfies ToChild);
    const killing = setTimeout(() => this.#process.kill("SIGKILL"), closeMsMax);
    await this.#exited;
    clearTimeout(killing);
  }

  #receive(message: FromChild): void {
    if (message.kind !== "answer" && message.kind !== "refusal") return;
    const waiting = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.kind === "answer") waiting?.resolve(message.result);
    else waiting?.reject(new Error(message.reason));
  }
}

/** Starts a process and waits until its role is ready. Its output goes to standard error. */
export async function startChild<R extends Role>(assignment: Assignment & { role: R }): Promise<Child<CommandsOf[R]>> {
  const child = fork(fileURLToPath(new URL("./child.ts", import.meta.url)), [JSON.stringify(assignment)], {
    // Without the second one V8 forgets code that was not used for some collections, sources of some MB among it, and
    // does so in the middle of measuring what actors weigh.
    execArgv: ["--expose-gc", "--no-flush-bytecode"],
    stdio: ["ignore", 2, 2, "ipc"],
  });
  const { side, role } = assignment;
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => reject(new Error(`${side} ${role} ended at its start (${signal ?? code})`)));
    child.once("message", (message: FromChild) => {
      if (message.kind === "ready") return resolve();
      child.kill("SIGKILL");
      reject(new Error(message.kind === "failed" ? message.reason : `${side} ${role} said ${message.kind}`));
    });
  });
  return new Child(child);
}
