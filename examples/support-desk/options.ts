// The command line of the example.

import { parseArgs } from "node:util";
import { reasonOf } from "./text.ts";

export interface Options {
  /** Ends by itself when the input is dealt with. */
  readonly once: boolean;
  /** A path, or "-" for standard input; undefined: the messages that come with the example. */
  readonly input: string | undefined;
  /** No server: everything in this process's memory. */
  readonly memory: boolean;
  /** Messages a second; undefined: as fast as it goes. */
  readonly rate: number | undefined;
  /** Prints the summary as JSON and nothing else on standard output. */
  readonly json: boolean;
  /** An empty desk, whatever an earlier run has left. */
  readonly fresh: boolean;
  /** Prefix of everything on the server. */
  readonly app: string | undefined;
  /** Where the private server keeps its data. */
  readonly dataDir: string;
  /** The page that shows what the agents do, while it stays open. */
  readonly dashboard: boolean;
  /** A server that is there; undefined: a private one. */
  readonly serverUrl: string | undefined;
  /** Where traces go, and where Jaeger's page is to look at them; undefined: nothing is traced. */
  readonly traces: Traces | undefined;
}

export interface Traces {
  readonly otlpUrl: string;
  /** Without a slash at its end. */
  readonly jaegerUrl: string;
}

export type ParsedOptions =
  | { readonly kind: "run"; readonly options: Options }
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly reason: string };

/** Slow enough for a person to follow. Unit: messages a second. */
export const watchableRate = 12;
export const dataDirDefault = ".troupe";
/** Jaeger's page, on the host that takes the traces. */
const jaegerPort = 16_686;

export const help = `Usage: npm start -- [options]

A support desk of agents: customers' messages go to an intake, from there to one agent for each customer, which asks a
specialist by topic and calls in a person when its rules say so; a supervisor keeps the totals. Everything they know
lies on a nats-server: started privately under ${dataDirDefault}, or the one that NATS_URL names.

Options:
  --once           end when all messages are dealt with, with a summary and exit code 0
  --input FILE     messages as JSON lines; "-" reads standard input (default: those that come with the example)
  --rate N         messages a second (default: ${watchableRate} on a terminal, otherwise as fast as it goes)
  --memory         no server at all: everything in this process, nothing is kept
  --fresh          start with an empty desk; what earlier runs have left stays where it is
  --data DIR       where the private server keeps its data (default: ${dataDirDefault})
  --app NAME       prefix of everything on the server (default: troupe)
  --otlp URL       send traces to this OpenTelemetry collector or Jaeger, as in http://127.0.0.1:4318
  --jaeger URL     where Jaeger's page is (default: port ${jaegerPort} of the host of --otlp)
  --no-dashboard   without the page that shows what the agents do, whose link is printed otherwise
  --json           print the summary as one JSON object, and nothing else, on standard output
  --help           this text

A line of the input:
  {"at":"2026-03-02T08:04:00Z","customer":"c-1","name":"Ada","thread":"T-1","channel":"chat","text":"No light at all."}
  at: a time in ISO 8601; channel: email, chat or phone; "id" may name the message, otherwise its content does.
  A line that is broken is reported with its number and skipped.

Examples:
  npm start                                       watch it, then look around with the commands that it prints
  npm start -- --once                             all messages at full speed, then the summary
  npm start -- --once --input mine.jsonl --fresh  other messages, an empty desk
  tail -f mine.jsonl | npm start -- --input -     messages as they come
  npm start -- --once --json | jq .totals         the summary for a program
  NATS_URL=nats://127.0.0.1:4222 npm start        a server that is there
  npm start -- --memory                           without any server
  npm start -- --otlp http://127.0.0.1:4318       with traces; docker compose -f deploy/compose.yaml up jaeger
`;

/** `isTerminal`: whether a person is watching. */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv, isTerminal: boolean): ParsedOptions {
  let values: ReturnType<typeof readArgs>;
  try {
    values = readArgs(args);
  } catch (thrown) {
    return { kind: "wrong", reason: reasonOf(thrown) };
  }
  if (values.help) return { kind: "help" };
  const { once = false, memory = false, json = false, fresh = false, app, input, data } = values;
  const rate = values.rate === undefined ? undefined : Number(values.rate);
  if (rate !== undefined && !(Number.isFinite(rate) && rate > 0)) {
    return { kind: "wrong", reason: `--rate must be a number above 0, got ${JSON.stringify(values.rate)}` };
  }
  for (const [name, value] of Object.entries({ input, app, data })) {
    if (value === "") return { kind: "wrong", reason: `--${name} must not be empty` };
  }
  const traces = tracesOf(values);
  if (typeof traces === "string") return { kind: "wrong", reason: traces };
  const serverUrl = env.NATS_URL === "" ? undefined : env.NATS_URL;
  const isPaced = isTerminal && !once && !json;
  return {
    kind: "run",
    options: {
      once,
      memory,
      json,
      fresh,
      input,
      app,
      traces,
      dashboard: values["no-dashboard"] !== true,
      rate: rate ?? (isPaced ? watchableRate : undefined),
      dataDir: data ?? dataDirDefault,
      serverUrl: memory ? undefined : serverUrl,
    },
  };
}

/** What is wrong with them, as a text. */
function tracesOf({ otlp, jaeger }: { readonly otlp?: string; readonly jaeger?: string }): Traces | string | undefined {
  if (otlp === undefined) return jaeger === undefined ? undefined : "--jaeger goes with --otlp";
  for (const [name, url] of Object.entries({ otlp, ...(jaeger === undefined ? {} : { jaeger }) })) {
    if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ""))
      return `--${name} must be a URL like http://127.0.0.1:4318, got ${JSON.stringify(url)}`;
  }
  const { protocol, hostname } = new URL(otlp);
  const jaegerUrl = jaeger ?? `${protocol}//${hostname}:${jaegerPort}`;
  return { otlpUrl: otlp, jaegerUrl: jaegerUrl.replace(/\/+$/, "") };
}

function readArgs(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    strict: true,
    allowPositionals: false,
    options: {
      once: { type: "boolean" },
      input: { type: "string" },
      rate: { type: "string" },
      memory: { type: "boolean" },
      fresh: { type: "boolean" },
      data: { type: "string" },
      app: { type: "string" },
      json: { type: "boolean" },
      otlp: { type: "string" },
      jaeger: { type: "string" },
      "no-dashboard": { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  return values;
}
