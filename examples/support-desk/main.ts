// `npm start`: the command line of the support desk. Exit codes: 0, 1 (failed), 2 (usage), 3 (cannot reach the server).

import { traced } from "../../src/cli/traced.ts";
import { isTroupeError } from "../../src/index.ts";
import { serviceName } from "./look-further.ts";
import { help, parseOptions } from "./options.ts";
import { runDesk } from "./run.ts";
import { coloured, plain, reasonOf } from "./text.ts";

/** npm passes a Ctrl-C on that the terminal has sent already; only a second one by hand is meant. Unit: ms. */
const impatientMsMin = 500;

const { stdout, stderr } = process;
const isTerminal = stdout.isTTY === true;
const stop = new AbortController();

// `npm start | head` closes the pipe: nobody reads on, so there is nothing more to do.
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  stop.abort();
});

let askedAtMs: number | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    const nowMs = performance.now();
    if (askedAtMs !== undefined && nowMs - askedAtMs > impatientMsMin) process.exit(130);
    askedAtMs ??= nowMs;
    if (!stop.signal.aborted) stderr.write("\nEnding: what was begun is finished first. Ctrl-C again ends at once.\n");
    stop.abort();
  });
}

process.exitCode = await main();

async function main(): Promise<number> {
  const parsed = parseOptions(process.argv.slice(2), process.env, isTerminal);
  if (parsed.kind === "help") {
    stdout.write(help);
    return 0;
  }
  if (parsed.kind === "wrong") {
    stderr.write(`${parsed.reason}\nSee: npm start -- --help\n`);
    return 2;
  }
  try {
    const terminal = {
      print: (line: string) => stdout.write(`${line}\n`),
      tell: (line: string) => stderr.write(`${line}\n`),
      paint: isTerminal && stdout.hasColors() ? coloured : plain,
      width: isTerminal ? stdout.columns : 160,
    };
    const { options } = parsed;
    // The last spans are sent before this resolves.
    return await traced({ otlpUrl: options.traces?.otlpUrl }, serviceName, () =>
      runDesk(options, terminal, stop.signal),
    );
  } catch (thrown) {
    stderr.write(`${reasonOf(thrown)}\n`);
    if (!isTroupeError(thrown)) return 1;
    stderr.write(`${thrown.remedy}\n`);
    return thrown.code === "SERVER_UNREACHABLE" ? 3 : 1;
  }
}
