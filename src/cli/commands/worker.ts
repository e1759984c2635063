// `troupe worker`: actors of a file live here until it is told to end.

import { once } from "node:events";
import type { Command } from "commander";
import type { Worker } from "../../runtime/worker.ts";
import { createWorker } from "../../runtime/worker.ts";
import type { LoadedActors } from "../actor-file.ts";
import { loadActors } from "../actor-file.ts";
import type { Shell } from "../command.ts";
import { makeCommand, optionsOf, settingsOf, wholeFrom } from "../command.ts";
import { findParent } from "../dev/parent.ts";
import { reportOf } from "../failure.ts";
import type { ServingReport } from "../print/serving.ts";
import { printServing, servedActors } from "../print/serving.ts";
import type { Settings } from "../settings.ts";
import { stopOnSignals } from "../stop.ts";
import { traced } from "../traced.ts";

const head = {
  usage: "worker <file>",
  summary: "Run a worker for a file of actors",
  description:
    "FILE is a module (.ts or .js) that exports actors: each by its name, or an array as its default export. Ctrl-C or\n" +
    "SIGTERM drains: what was begun is finished, what waits is left to other workers. Logs go to standard error, with the\n" +
    "level of TROUPE_LOG.",
  examples: [
    ["troupe worker actors.ts", "on the server of NATS_URL, or of `troupe dev` in this folder"],
    ["troupe worker actors.ts --server nats://10.0.0.5:4222 --app desk", "elsewhere"],
    ["troupe worker actors.ts --server nats://n1,nats://n2,nats://n3 --replicas 3", "in a cluster of NATS servers"],
    ["troupe worker actors.ts --otlp http://127.0.0.1:4318", "with traces to Jaeger or a collector"],
  ],
} as const;

interface WorkerFlags {
  readonly replicas?: number;
}

export function workerCommand(shell: Shell): Command {
  const replicas = "copies of what is made now on the servers of a cluster (default: 1)";
  const made = makeCommand(head).option("--replicas <count>", replicas, wholeFrom(1));
  return made.action(async (file: string, _flags, command: Command) => {
    const parent = findParent();
    try {
      const stop = stopOnSignals(() => shell.terminal.remark("\nDraining; Ctrl-C again ends at once."));
      const ending = parent === undefined ? stop : AbortSignal.any([stop, parent.stop]);
      const settings = await settingsOf(command, shell);
      const onServing = (report: ServingReport) => {
        if (parent === undefined) announce(report, shell);
        else parent.send({ kind: "serving", report });
      };
      await traced(settings, `${settings.app}-worker`, async () => {
        const loaded = await loadActors(file);
        await serve(loaded, { ...settings, ...optionsOf<WorkerFlags>(command) }, ending, onServing);
      });
      if (parent === undefined && shell.terminal.isJson) shell.terminal.print(JSON.stringify({ event: "drained" }));
    } catch (thrown) {
      if (parent === undefined) throw thrown;
      // The other side says it to whoever watches.
      parent.send({ kind: "failed", error: reportOf(thrown) });
      if (shell.env.TROUPE_DEBUG === "1") console.error(thrown);
      shell.setExitCode(1);
    }
  });
}

function announce(report: ServingReport, { terminal }: Shell): void {
  terminal.print(
    terminal.isJson ? JSON.stringify({ event: "serving", ...report }) : printServing(report, terminal.paint),
  );
}

async function serve(
  { actors }: LoadedActors,
  { app, pool, urls, nats, replicas }: Settings & WorkerFlags,
  stop: AbortSignal,
  onServing: (report: ServingReport) => void,
): Promise<void> {
  const starting = createWorker({
    ...{ app, pool, actors, servers: urls, nats: { ...nats, name: `troupe worker ${app}` } },
    ...(replicas === undefined ? {} : { replicas }),
  });
  const stopped = stop.aborted ? Promise.resolve() : once(stop, "abort");
  const worker = await Promise.race([starting, stopped.then((): Worker | undefined => undefined)]);
  // It still waited for another worker's partitions: it owned none that anybody could miss, and ends with the process.
  if (worker === undefined) return void starting.catch(() => undefined);
  onServing({
    ...{ worker: worker.id, pid: process.pid, app, pool },
    server: urls.join(","),
    actors: servedActors(actors),
  });
  await stopped;
  await worker.drain();
}
