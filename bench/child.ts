// The entry of a child process: one role of one side, steered by messages from the bench.

import type { CallerCommands } from "./roles/caller.ts";
import { callerCommands } from "./roles/caller.ts";
import type { CentralCommands } from "./roles/central.ts";
import { centralCommands } from "./roles/central.ts";
import type { LogCommands } from "./roles/log.ts";
import { logCommands } from "./roles/log.ts";
import type { MemoryCommands } from "./roles/memory.ts";
import { memoryCommands } from "./roles/memory.ts";
import type { ProberCommands } from "./roles/prober.ts";
import { proberCommands } from "./roles/prober.ts";
import type { StoreCommands } from "./roles/store.ts";
import { storeCommands } from "./roles/store.ts";
import type { WorkerCommands } from "./roles/worker.ts";
import { workerCommands } from "./roles/worker.ts";
import type { WorkflowCommands } from "./roles/workflow.ts";
import { workflowCommands } from "./roles/workflow.ts";
import type { Place, Role, SideName } from "./side.ts";
import { loadOpener, toError } from "./side.ts";

export interface CommandsOf {
  caller: CallerCommands;
  worker: WorkerCommands;
  store: StoreCommands;
  log: LogCommands;
  prober: ProberCommands;
  central: CentralCommands;
  memory: MemoryCommands;
  workflow: WorkflowCommands;
}

export interface Assignment extends Place {
  readonly side: SideName;
  readonly role: Role;
}

export type ToChild =
  | { readonly kind: "call"; readonly id: number; readonly command: string; readonly order: unknown }
  | { readonly kind: "close" };

export type FromChild =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "answer"; readonly id: number; readonly result: unknown }
  | { readonly kind: "refusal"; readonly id: number; readonly reason: string };

interface Opened {
  readonly commands: object;
  close(): Promise<void>;
}

async function open({ side, role, ...place }: Assignment): Promise<Opened> {
  switch (role) {
    case "caller": {
      const caller = await (await loadOpener(side, role))(place);
      return { commands: callerCommands(caller), close: () => caller.close() };
    }
    case "worker": {
      const worker = await (await loadOpener(side, role))(place);
      return { commands: workerCommands(worker), close: () => worker.close() };
    }
    case "store": {
      const store = await (await loadOpener(side, role))(place);
      return { commands: storeCommands(store), close: () => store.close() };
    }
    case "log": {
      const log = await (await loadOpener(side, role))(place);
      return { commands: logCommands(log), close: () => log.close() };
    }
    case "prober": {
      const prober = await (await loadOpener(side, role))(place);
      return { commands: proberCommands(prober), close: () => prober.close() };
    }
    case "central": {
      const central = await (await loadOpener(side, role))(place);
      return { commands: centralCommands(central), close: () => central.close() };
    }
    case "memory": {
      const memory = await (await loadOpener(side, role))(place);
      return { commands: memoryCommands(memory), close: () => memory.close() };
    }
    case "workflow": {
      const workflow = await (await loadOpener(side, role))(place);
      return { commands: workflowCommands(workflow), close: () => workflow.close() };
    }
  }
}

function say(message: FromChild): void {
  process.send?.(message);
}

async function answer(opened: Opened, { id, command, order }: Extract<ToChild, { kind: "call" }>): Promise<void> {
  try {
    const commands = opened.commands as Record<string, (order: unknown) => Promise<unknown>>;
    const result = await commands[command]?.(order);
    say({ kind: "answer", id, result });
  } catch (thrown) {
    say({ kind: "refusal", id, reason: toError(thrown).stack ?? String(thrown) });
  }
}

async function main(): Promise<void> {
  // A Ctrl-C in the terminal reaches every process; the bench closes its children itself, in order.
  process.on("SIGINT", () => {});
  process.on("disconnect", () => process.exit(1));
  try {
    const opened = await open(JSON.parse(process.argv[2] ?? "") as Assignment);
    process.on("message", (message: ToChild) => {
      if (message.kind === "call") void answer(opened, message);
      else void opened.close().finally(() => process.exit(0));
    });
    // As whoever replaces a worker ends the old one: in peace.
    process.once("SIGTERM", () => void opened.close().finally(() => process.exit(0)));
    say({ kind: "ready" });
  } catch (thrown) {
    say({ kind: "failed", reason: toError(thrown).stack ?? String(thrown) });
  }
}

await main();
