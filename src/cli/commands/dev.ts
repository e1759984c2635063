// `troupe dev`: all that one needs to write actors: a private server, and a worker that restarts on each change.

import { relative } from "node:path";
import type { Command } from "commander";
import { printSpan } from "../../core/amounts.ts";
import { shellWord } from "../../core/shell-word.ts";
import { findActorFile } from "../actor-file.ts";
import type { Shell } from "../command.ts";
import { makeCommand, optionsOf } from "../command.ts";
import { DevDashboard } from "../dev/dev-dashboard.ts";
import { keepWorker } from "../dev/keep-worker.ts";
import type { KeptServer, ServerStart } from "../dev/kept-server.ts";
import { openKeptServer } from "../dev/kept-server.ts";
import { signatureOf } from "../dev/signature.ts";
import type { FailureReport } from "../failure.ts";
import { dataDirDefault } from "../local-server/start.ts";
import { metricsAddressOf } from "../metrics-address.ts";
import type { ServingReport } from "../print/serving.ts";
import { exampleCall, printServing } from "../print/serving.ts";
import { parseServer } from "../server-address.ts";
import type { SharedOptions } from "../settings.ts";
import { appDefault, givenServer } from "../settings.ts";
import { stopOnSignals } from "../stop.ts";
import type { Terminal } from "../terminal.ts";
import { printable } from "../text.ts";
import { addWorkerOptions } from "./worker.ts";

interface DevFlags extends SharedOptions {
  readonly data: string;
  readonly name?: string;
  readonly metrics?: string;
  readonly dashboard: boolean;
}

const head = {
  usage: "dev <file>",
  summary: "Run a file of actors on a private server, and again on each change",
  description:
    "Finds nats-server or fetches it, starts it privately with its data below .troupe, and runs a worker for FILE, which " +
    "restarts when FILE or what it imports changes; states and waiting messages stay. Other commands in the same folder " +
    "find the server by themselves. NATS_URL or --server makes it use a server that is there. The dashboard's link is printed " +
    "too. Ctrl-C ends all of it.",
  examples: [
    ["troupe dev actors.ts", "then, in another terminal: troupe ask counter c1 add 5"],
    ["troupe dev actors.ts --data /var/tmp/desk", "with the data elsewhere"],
    ["troupe dev actors.ts --server nats://127.0.0.1:4222", "on a server that runs"],
  ],
} as const;

export function devCommand(shell: Shell): Command {
  return addWorkerOptions(makeCommand(head))
    .option("--data <dir>", "where the private server keeps its data", dataDirDefault)
    .option("--no-dashboard", "without the page that shows what the agents do")
    .action(async (file: string, _flags, command: Command) => {
      const { terminal, env } = shell;
      const flags = optionsOf<DevFlags>(command);
      const path = await findActorFile(file);
      const given = givenServer(flags.server, env);
      if (given !== undefined) parseServer(given.text);
      metricsAddressOf(flags.metrics, env);
      const stop = stopOnSignals(() => terminal.remark("\nDraining; Ctrl-C again ends at once."));
      await using server = given === undefined ? await startServer(flags.data, shell) : undefined;
      await using dashboard = new DevDashboard(shell);
      await keepWorker(
        {
          file: path,
          signature: signatureOf(path) ?? "",
          args: [path, ...flagsOf(flags, server)],
          env,
          printsToStandardError: terminal.isJson,
          onServing: (report) => {
            announce(report, server, flags, shell);
            if (flags.dashboard) dashboard.start(server === undefined ? flags : { ...flags, server: server.url });
          },
          onChanged: (paths) => tellChanged(paths, terminal),
          onKilled: (signal, afterMs) => tellKilled(signal, afterMs, terminal),
          onDrained: () => tellDrained(terminal),
          onFailed: (failure) => tellFailed(failure, terminal),
          onTrouble: (text) => terminal.complain(text),
        },
        stop,
      );
      if (terminal.isJson) terminal.print(JSON.stringify({ event: "ended" }));
    });
}

function startServer(dataDir: string, { terminal, env }: Shell): Promise<KeptServer> {
  const onStart = ({ url, version, isShared }: ServerStart) => {
    if (terminal.isJson) terminal.print(JSON.stringify({ event: "server", url, version, isShared, dataDir }));
    else if (isShared) terminal.print(`joined the nats-server that another process runs on ${dataDir}: ${url}`);
    else terminal.print(`started nats-server ${version} on ${dataDir}: ${url}`);
  };
  return openKeptServer({ dataDir, env, tell: (line) => terminal.remark(line), onStart });
}

/** For the worker's process; what stands in the environment it reads itself. */
function flagsOf({ server, ...flags }: DevFlags, kept: KeptServer | undefined): string[] {
  const { app, pool, name, metrics, creds, otlp } = flags;
  const values = { server: kept?.url ?? server, app, pool, name, metrics, creds, otlp };
  return Object.entries(values).flatMap(([flag, value]) => [value ?? []].flat().flatMap((each) => [`--${flag}`, each]));
}

function announce(report: ServingReport, server: KeptServer | undefined, flags: DevFlags, shell: Shell): void {
  const { terminal, env } = shell;
  if (terminal.isJson) return terminal.print(JSON.stringify({ event: "serving", ...report }));
  terminal.print(printServing(report, terminal.paint));
  const call = exampleCall(report.actors);
  if (call === undefined) return;
  // Run by npm from a checkout the command has another name.
  const troupe = env.npm_lifecycle_event === "troupe" ? "npm run troupe --" : "npx troupe";
  const isFound = server !== undefined && flags.data === dataDirDefault;
  const where = isFound ? "" : ` --server ${shellWord(report.server)}`;
  const app = report.app === appDefault ? "" : ` --app ${shellWord(report.app)}`;
  terminal.print(terminal.paint("dim", `try, in another terminal: ${troupe} ${call}${where}${app}`));
}

function tellChanged(paths: readonly string[], terminal: Terminal): void {
  const files = paths.map((path) => relative(process.cwd(), path));
  if (terminal.isJson) terminal.print(JSON.stringify({ event: "restarting", files }));
  else
    terminal.print(`${terminal.paint("cyan", "changed:")} ${files.map(printable).join(", ")}; restarting the worker`);
}

function tellKilled(signal: string, afterMs: number, terminal: Terminal): void {
  if (terminal.isJson) return terminal.print(JSON.stringify({ event: "killed", signal, afterMs }));
  const text = `the worker's process was killed (${signal}); starting it again in ${printSpan(afterMs)}`;
  terminal.print(`${terminal.paint("yellow", "killed:")} ${text}`);
}

function tellDrained(terminal: Terminal): void {
  if (terminal.isJson) return terminal.print(JSON.stringify({ event: "drained" }));
  terminal.print("somebody has drained the worker (`troupe drain`); a change of the files starts it again");
}

function tellFailed(error: FailureReport, terminal: Terminal): void {
  if (terminal.isJson) return terminal.print(JSON.stringify({ event: "failed", error }));
  const lines = error.message.split("\n").map(printable);
  terminal.complain(`${terminal.paintError("red", "troupe:")} ${lines.join("\n")} (${error.code})\n${error.remedy}`);
  terminal.print("waiting for a change of the files");
}
