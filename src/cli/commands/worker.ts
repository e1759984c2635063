// `troupe worker`: actors of a file live here until it is told to end.

import { once } from "node:events";
import type { Command } from "commander";
import { isTroupeError } from "../../core/errors.ts";
import type { WorkerMetrics } from "../../monitoring/worker-metrics.ts";
import type { Worker } from "../../runtime/worker.ts";
import { createWorker } from "../../runtime/worker.ts";
import type { LoadedActors } from "../actor-file.ts";
import { loadActors } from "../actor-file.ts";
import type { Shell } from "../command.ts";
import { collect, makeCommand, optionsOf, settingsOf, wholeFrom } from "../command.ts";
import { findParent } from "../dev/parent.ts";
import { reportOf } from "../failure.ts";
import type { MetricsAddress } from "../metrics-address.ts";
import { metricsAddressOf } from "../metrics-address.ts";
import type { ServingReport } from "../print/serving.ts";
import { divideActors, printServing } from "../print/serving.ts";
import type { Settings } from "../settings.ts";
import { poolDefault } from "../settings.ts";
import { stopOnSignals } from "../stop.ts";
import { traced } from "../traced.ts";

interface WorkerFlags {
  readonly name?: string;
  readonly replicas?: number;
  readonly metrics?: string;
}

const head = {
  usage: "worker <file>",
  summary: "Run a worker for a file of actors",
  description:
    "FILE is a module (.ts or .js) that exports actors: each by its name, or an array as its default export. Workers of one " +
    "app share its actors; start more to carry more. Ctrl-C, SIGTERM or `troupe drain` drains: what was begun is finished, " +
    "and the others take over. Logs go to standard error, with the level of TROUPE_LOG.",
  examples: [
    ["troupe worker actors.ts", "on the server of NATS_URL, or of `troupe dev` in this folder"],
    ["troupe worker actors.ts --name blue", "with a name for `troupe ps` and `troupe drain`"],
    ["troupe worker actors.ts --pool gpu --pool main", "only the actors of these pools"],
    ["troupe worker actors.ts --server nats://10.0.0.5:4222 --app desk", "elsewhere"],
    ["troupe worker actors.ts --server nats://n1,nats://n2,nats://n3 --replicas 3", "in a cluster of NATS servers"],
    ["troupe worker actors.ts --otlp http://127.0.0.1:4318", "with traces to Jaeger or a collector"],
    ["troupe worker actors.ts --metrics 9464", "with figures for Prometheus at http://127.0.0.1:9464/metrics"],
  ],
} as const;

export function workerCommand(shell: Shell): Command {
  const replicas = "copies of what is made now on the servers of a cluster (default: 1)";
  const made = addWorkerOptions(makeCommand(head)).option("--replicas <count>", replicas, wholeFrom(1));
  return made.action(async (file: string, _flags, command: Command) => {
    const parent = findParent();
    try {
      const stop = stopOnSignals(() => shell.terminal.remark("\nDraining; Ctrl-C again ends at once."));
      const ending = parent === undefined ? stop : AbortSignal.any([stop, parent.stop]);
      const settings = await settingsOf(command, shell);
      const flags = optionsOf<WorkerFlags>(command);
      const metrics = metricsAddressOf(flags.metrics, shell.env);
      const onServing = (report: ServingReport) => {
        if (parent === undefined) announce(report, shell);
        else parent.send({ kind: "serving", report });
      };
      await traced(settings, `${settings.app}-worker`, async () => {
        const loaded = await loadActors(file);
        await withMetrics(metrics, (shown) => serve(loaded, { ...settings, ...flags }, ending, onServing, shown));
      });
      if (parent === undefined) announceEnd(shell);
    } catch (thrown) {
      if (parent === undefined) throw thrown;
      // The other side says it to whoever watches.
      parent.send({ kind: "failed", error: reportOf(thrown) });
      if (shell.env.TROUPE_DEBUG === "1") console.error(thrown);
      shell.setExitCode(1);
    }
  });
}

/** What `troupe dev` takes for its worker too. */
export function addWorkerOptions(command: Command): Command {
  return command
    .option("--pool <name>", "serve only this pool; may be given several times (default: those of its actors)", collect)
    .option("--name <name>", "what `troupe ps` calls this worker (default: its id alone)")
    .option("--metrics <address>", "answer Prometheus at [HOST:]PORT/metrics (default: TROUPE_METRICS, else nowhere)");
}

function announce(report: ServingReport, { terminal }: Shell): void {
  terminal.print(
    terminal.isJson ? JSON.stringify({ event: "serving", ...report }) : printServing(report, terminal.paint),
  );
}

function announceEnd({ terminal }: Shell): void {
  terminal.print(terminal.isJson ? JSON.stringify({ event: "drained" }) : "drained");
}

/** Runs `work` with a server for Prometheus on that address; where none is wanted nothing of it is loaded. */
async function withMetrics(
  address: MetricsAddress | undefined,
  work: (metrics: WorkerMetrics | undefined) => Promise<void>,
): Promise<void> {
  if (address === undefined) return work(undefined);
  const { openWorkerMetrics } = await import("../../monitoring/worker-metrics.ts");
  await using metrics = await openWorkerMetrics(address);
  await work(metrics);
}

/** Resolves when the worker has ended: because `stop` aborted, or because it was told to from outside. */
async function serve(
  { actors }: LoadedActors,
  { app, pools, urls, nats, name, replicas }: Settings & WorkerFlags,
  stop: AbortSignal,
  onServing: (report: ServingReport) => void,
  metrics: WorkerMetrics | undefined,
): Promise<void> {
  const starting = createWorker({
    ...{ app, pool: poolDefault, actors, servers: urls, nats: { ...nats, name: `troupe worker ${app}` }, signal: stop },
    ...(pools.length === 0 ? {} : { pools }),
    ...(name === undefined ? {} : { name }),
    ...(replicas === undefined ? {} : { replicas }),
  });
  const stopped = stop.aborted ? Promise.resolve() : once(stop, "abort").then(() => undefined);
  const worker = await Promise.race([unlessEnded(starting), stopped]);
  if (worker === undefined) return; // It served nothing yet, and ends with the process.
  const { id, pid } = { id: worker.id, pid: process.pid };
  metrics?.show(worker, name);
  const where = { server: urls.join(","), metrics: metrics?.url ?? null };
  onServing({ worker: id, name: name ?? null, pid, app, ...where, ...divideActors(actors, pools) });
  await Promise.race([stopped, worker.ended]);
  await worker.drain();
}

/** Undefined when it was told to end before it served. */
async function unlessEnded(starting: Promise<Worker>): Promise<Worker | undefined> {
  try {
    return await starting;
  } catch (thrown) {
    if (isTroupeError(thrown) && thrown.code === "CLOSED") return undefined;
    throw thrown;
  }
}
