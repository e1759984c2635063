// One run of the example: opens the stage, feeds it, shows what happens, sums up, and stays until it is told to end.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { access, constants } from "node:fs/promises";
import { addAbortSignal } from "node:stream";
import { fileURLToPath } from "node:url";
import { openDeskDashboard } from "./dashboard.ts";
import type { Fed } from "./feed.ts";
import { feed, nothingFed } from "./feed.ts";
import { readEntries } from "./input.ts";
import { pickCustomer, printLookFurther, printOpenAgain, printTraces } from "./look-further.ts";
import type { Options } from "./options.ts";
import { Progress } from "./progress.ts";
import type { Stage } from "./stage.ts";
import { openStage } from "./stage.ts";
import type { Summary } from "./summary.ts";
import { printSummary } from "./summary.ts";
import type { Paint } from "./text.ts";
import { printable, reasonOf } from "./text.ts";
import { LiveView } from "./view.ts";

/** Longest time in which not one message of this run is dealt with. A server that is away comes back sooner. Unit: ms. */
const stallMsMax = 90_000;

const lastEscalationsMax = 10;

const title = "A support desk of agents: intake → one for each customer → a specialist by topic → supervisor";
const recognised =
  "The desk remembers messages of an earlier run: it counts none of them twice. An empty desk: --fresh";
const legend = "when, thread, customer, topic, mood, what was written; └ the answer; ▲ a person is called";

export interface Terminal {
  /** A line on standard output. */
  readonly print: (line: string) => void;
  /** A line on standard error. */
  readonly tell: (line: string) => void;
  readonly paint: Paint;
  readonly width: number;
}

/** How a run has ended, and whether this process goes on. */
interface Ended {
  readonly summary: Summary;
  /** One to look at. */
  readonly customer: string | undefined;
  /** The trace of that customer's last message, when it was traced. */
  readonly traceId: string | undefined;
  readonly isLeaving: boolean;
}

/** Returns the exit code. `stop` ends it politely. */
export async function runDesk(options: Options, terminal: Terminal, stop: AbortSignal): Promise<number> {
  const source = await openInput(options, stop);
  const stage = await openStage(options, terminal.tell);
  try {
    await using dashboard = await openDeskDashboard(stage, options, terminal.tell);
    if (dashboard !== undefined) terminal.print(`dashboard: ${terminal.paint("cyan", dashboard.link)}\n`);
    return await perform(stage, source, options, terminal, stop);
  } finally {
    await stage[Symbol.asyncDispose]();
  }
}

async function perform(
  stage: Stage,
  source: AsyncIterable<Uint8Array>,
  options: Options,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<number> {
  const startMs = performance.now();
  const run = randomBytes(9).toString("base64url");
  const progress = new Progress(run);
  progress.note(await stage.floor());
  const fed = nothingFed();
  const notice = options.json ? terminal.tell : terminal.print;
  if (!options.json) terminal.print(`${terminal.paint("bold", title)}\n${terminal.paint("dim", legend)}\n`);
  const closing = new AbortController();
  let failure: unknown;
  // Whatever ends the watch early ends the run too: nobody would see that it is complete.
  const watching = watchFloor(stage, progress, options.json ? undefined : terminal, closing.signal)
    .catch((thrown: unknown) => {
      failure = thrown;
    })
    .finally(() => closing.abort());
  try {
    const ending = AbortSignal.any([stop, closing.signal]);
    await feed(readEntries(source), fed, {
      send: (message, number) => stage.send({ run, number, message }),
      // Nobody wants to wait for what the desk only recognises.
      rate: () => (progress.repeated > progress.fresh ? undefined : options.rate),
      signal: ending,
      onBroken: ({ line, reason }) => notice(terminal.paint("yellow", `line ${line} skipped: it ${printable(reason)}`)),
      onTrouble: (reason) => notice(terminal.paint("yellow", `trying again: ${printable(reason)}`)),
    });
    const outcome = await progress.until(fed.sent, ending, stallMsMax);
    if (failure !== undefined) throw failure;
    const seconds = (performance.now() - startMs) / 1_000;
    const isLeaving = options.once || ending.aborted || outcome === "stalled";
    const customer = pickCustomer(fed.messagesOf);
    const traceId = options.traces && customer !== undefined ? await stage.traceOf(customer) : undefined;
    const summary = summarise(stage, progress, fed, seconds);
    printEnd({ summary, customer, traceId, isLeaving }, stage, options, terminal);
    if (outcome === "stalled") {
      terminal.tell(`Nothing was dealt with for ${stallMsMax / 1_000} s; look for dead letters.`);
      return 1;
    }
    if (!isLeaving) await stayUp(terminal, ending);
    if (failure !== undefined) throw failure;
    return 0;
  } finally {
    closing.abort();
    await watching;
  }
}

function printEnd(ended: Ended, stage: Stage, options: Options, terminal: Terminal): void {
  const { print, paint, width } = terminal;
  if (options.json) return print(JSON.stringify(ended.summary));
  print(`\n${printSummary(ended.summary, paint, width)}\n`);
  const { app, server } = stage;
  const { dataDir, input } = options;
  const { customer, traceId } = ended;
  const traces = options.traces && { jaegerUrl: options.traces.jaegerUrl, traceId };
  if (!ended.isLeaving || !stage.endsServer) return print(printLookFurther({ app, server, customer, traces }, paint));
  if (traces !== undefined) print(printTraces(traces));
  print(printOpenAgain({ app, dataDir, input }));
}

/** Shows what happens, unless there is no `terminal` to show it on. */
async function watchFloor(
  stage: Stage,
  progress: Progress,
  terminal: Terminal | undefined,
  signal: AbortSignal,
): Promise<void> {
  const view = terminal && new LiveView(terminal.print, terminal, progress.floor.totals.messages);
  let isRecognising = false;
  for await (const floor of stage.floors(signal)) {
    view?.show(floor.happenings);
    progress.note(floor);
    if (progress.repeated > 0 && !isRecognising) terminal?.print(terminal.paint("yellow", recognised));
    isRecognising = progress.repeated > 0;
  }
}

/** All of it from one state of the supervisor, so that the numbers agree with each other. */
function summarise(stage: Stage, progress: Progress, fed: Fed, seconds: number): Summary {
  const { fresh, repeated, done } = progress;
  const { totals, escalated } = progress.floor;
  const { sent, broken, brokenLines } = fed;
  const isComplete = done >= sent;
  return {
    app: stage.app,
    server: stage.server,
    run: { sent, fresh, repeated, broken, brokenLines, isComplete, seconds: Math.round(seconds * 1_000) / 1_000 },
    totals,
    lastEscalations: escalated.slice(-lastEscalationsMax),
  };
}

async function stayUp(terminal: Terminal, ending: AbortSignal): Promise<void> {
  terminal.tell("\nThe desk stays open; Ctrl-C ends it.");
  // A pending promise alone keeps no process alive, and with --memory there is no connection either.
  const alive = setInterval(() => {}, 60_000);
  if (!ending.aborted) await once(ending, "abort");
  clearInterval(alive);
}

/** Fails before anything is started when the file is not there. */
async function openInput(options: Options, stop: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  if (options.input === "-") return untilStopped(addAbortSignal(stop, process.stdin), stop);
  const path = options.input ?? fileURLToPath(new URL("./messages.jsonl", import.meta.url));
  await access(path, constants.R_OK).catch((thrown: unknown) => {
    throw new Error(`cannot read the messages: ${reasonOf(thrown)}`, { cause: thrown });
  });
  return untilStopped(createReadStream(path, { signal: stop }), stop);
}

/** An abort ends the stream as its end would. */
async function* untilStopped(source: AsyncIterable<Uint8Array>, stop: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (thrown) {
    if (!stop.aborted) throw thrown;
  }
}
