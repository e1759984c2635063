// `troupe drain`: lets a worker finish what it has begun, give its partitions to the others, and end.

import type { Command } from "commander";
import { count, printSpan } from "../../core/amounts.ts";
import type { WorkerFacts } from "../../monitoring/cluster-picture.ts";
import { loadWorkers } from "../../monitoring/read-cluster.ts";
import { drainWorker } from "../../runtime/control.ts";
import type { Shell } from "../command.ts";
import { makeCommand, optionsOf, settingsOf, wholeFrom } from "../command.ts";
import { chooseWorker } from "../drain/choose-worker.ts";
import type { DrainEnd } from "../drain/follow-drain.ts";
import { followDrain } from "../drain/follow-drain.ts";
import { CommandFailure } from "../failure.ts";
import type { OpenApp } from "../open-app.ts";
import { withApp } from "../open-app.ts";
import type { Terminal } from "../terminal.ts";
import { printable } from "../text.ts";

interface DrainFlags {
  readonly wait: boolean;
  readonly timeout: number;
}

const head = {
  usage: "drain <worker>",
  summary: "Let a worker finish, hand over its partitions and end",
  description:
    "WORKER is a name, an id, or the beginning of an id, as `troupe ps` lists them. The worker finishes what it has begun, " +
    "gives its partitions to the others and ends, as at SIGTERM: no ask fails while another worker serves its pools. Ends " +
    "when the worker is gone.",
  examples: [
    ["troupe drain blue", "waits until it is gone"],
    ["troupe drain 4fTq --timeout 120000", "by the beginning of its id; waits for two minutes at most"],
    ["troupe drain blue --no-wait --json", "only tells it to"],
  ],
} as const;

/** How long the worker may take to hear of it. Unit: ms. */
const tellMsMax = 5_000;

export function drainCommand(shell: Shell): Command {
  return makeCommand(head)
    .option("--no-wait", "end as soon as the worker knows")
    .option("--timeout <ms>", "how long to wait until it is gone", wholeFrom(1), 60_000)
    .action(async (text: string, _flags, command: Command) => {
      const { terminal } = shell;
      const flags = optionsOf<DrainFlags>(command);
      const settings = await settingsOf(command, shell);
      await withApp(settings, (app) => drain(app, text, flags, terminal));
    });
}

async function drain(app: OpenApp, text: string, { wait, timeout }: DrainFlags, terminal: Terminal): Promise<void> {
  const { troupe, facts } = app;
  const { clock, mail } = troupe.ports;
  const workers = await loadWorkers(troupe);
  const worker = chooseWorker(text, workers);
  const { worker: id, name, pools } = worker;
  const shown = name === null ? id : `${printable(name)} (${id})`;
  const left = pools.filter((pool) => !workers.some((other) => other.worker !== id && takes(other, pool)));
  for (const pool of left) terminal.remark(`no other worker serves the pool ${pool}: its actors wait until one does`);
  const startMs = clock.monotonicMs();
  const answer = await drainWorker(mail, id, Math.min(tellMsMax, timeout));
  if (answer !== "alive") throw unreachable(shown, answer);
  const about = { worker: id, name, pools, poolsLeft: left };
  if (!wait) {
    terminal.print(terminal.isJson ? JSON.stringify({ ...about, outcome: "draining" }) : `${shown} drains`);
    return;
  }
  const end = await followDrain({
    ...{ troupe, worker: id, pools: pools.filter((pool) => Object.hasOwn(facts.pools, pool)), timeoutMs: timeout },
    onProgress: (partitions) => terminal.remark(`${shown} drains: ${count(partitions, "partition")} left`),
  });
  if (!end.isGone) throw unfinished(worker, shown, end, timeout);
  const durationMs = Math.round(clock.monotonicMs() - startMs);
  const { partitionsLeft } = end;
  if (terminal.isJson) {
    terminal.print(JSON.stringify({ ...about, outcome: "drained", partitionsLeft, durationMs }));
    return;
  }
  const lost = `; ${count(partitionsLeft, "partition")} it could not give back, others take them over`;
  terminal.print(`${shown} has drained in ${printSpan(durationMs)}${partitionsLeft === 0 ? "" : lost}`);
}

const takes = (worker: WorkerFacts, pool: string): boolean => !worker.isDraining && worker.pools.includes(pool);

function unreachable(shown: string, answer: "nobody" | "unknown"): CommandFailure {
  const isGone = answer === "nobody";
  const text = `${shown} ${isGone ? "is not connected: its process has ended, or is reconnecting" : "did not answer in time"}`;
  const remedy = isGone
    ? "If it has ended, the others take over what it had; look with `troupe ps`."
    : "It may be frozen or overloaded: look at its process, and try again.";
  return new CommandFailure("WORKER_UNREACHABLE", text, remedy);
}

function unfinished(
  { pid }: WorkerFacts,
  shown: string,
  { partitionsLeft }: DrainEnd,
  timeoutMs: number,
): CommandFailure {
  const text = `${shown} has not ended after ${printSpan(timeoutMs)}: ${count(partitionsLeft, "partition")} left`;
  const end = pid === null ? "" : `, or end process ${pid}: what it has not finished others do again`;
  return new CommandFailure("DRAIN_UNFINISHED", text, `It still drains: wait with \`troupe ps\`${end}.`);
}
