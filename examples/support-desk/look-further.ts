// How to look further: commands that work as they are printed, on the server that runs now and on agents that exist.

import { dataDirDefault } from "./options.ts";
import type { Paint } from "./text.ts";
import { printable, shellWord } from "./text.ts";

export interface Place {
  readonly app: string;
  /** null: no server, everything in memory. */
  readonly server: string | null;
  /** The id of a customer who has an agent; undefined when there is none yet. */
  readonly customer: string | undefined;
  /** Where traces can be looked at; undefined: nothing is traced. */
  readonly traces?: { readonly jaegerUrl: string; readonly traceId: string | undefined } | undefined;
}

/** What this process is called among the services of Jaeger. */
export const serviceName = "support-desk";

const appDefault = "troupe";
/** Ids that are their own key on the server; others are escaped there. */
const plainId = /^[A-Za-z0-9_-]+$/;

export interface Left {
  readonly app: string;
  readonly dataDir: string;
  /** As given: a path, "-" for what cannot be read again, undefined for the example's own. */
  readonly input: string | undefined;
}

/** For a run that takes its server along: how to open what it has left, with the same messages, which it knows. */
export function printOpenAgain({ app, dataDir, input }: Left): string {
  const flags = [
    ...(input === undefined ? [] : [`--input ${input === "-" ? "/dev/null" : shellWord(input)}`]),
    ...(dataDir === dataDirDefault ? [] : [`--data ${shellWord(dataDir)}`]),
    ...(app === appDefault ? [] : [`--app ${shellWord(app)}`]),
  ];
  const command = ["npm start", ...(flags.length === 0 ? [] : ["--", ...flags])].join(" ");
  return [
    `The nats-server ends with this run; what the agents know is kept in ${printable(dataDir)}.`,
    `  ${command}  opens it again, stays up, and says how to look further`,
  ].join("\n");
}

/** The customer to show: one who wrote much, and whose id is easy to type if there is any. */
export function pickCustomer(messagesOf: ReadonlyMap<string, number>): string | undefined {
  const weight = ([id, messages]: readonly [string, number]) => messages + (plainId.test(id) ? 1_000_000 : 0);
  let best: readonly [string, number] | undefined;
  for (const entry of messagesOf) if (best === undefined || weight(entry) > weight(best)) best = entry;
  return best?.[0];
}

export function printLookFurther({ app, server, customer, traces }: Place, paint: Paint): string {
  const links = traces === undefined ? [] : [printTraces(traces)];
  if (server === null) {
    return [...links, paint("dim", "With --memory nothing can be looked at from outside; run it without.")].join("\n");
  }
  const flags = `--server ${shellWord(server)}${app === appDefault ? "" : ` --app ${shellWord(app)}`}`;
  const troupe = (command: string) => `npm run troupe -- ${command} ${flags}`;
  const nats = (command: string) => `nats --server ${shellWord(server)} ${command}`;
  const rows: Array<readonly [string, string]> = [
    ["what the desk has seen", troupe("ask supervisor main summary")],
    ["who is there", troupe("ps")],
    ["how durable it is", troupe("doctor")],
    ["changes as they come", troupe("watch 'customer.*'")],
  ];
  if (customer !== undefined) {
    const id = shellWord(customer);
    rows.push(["one customer", troupe(`get customer ${id}`)], ["and how that came", troupe(`history customer ${id}`)]);
    rows.push(["what it remembers", troupe(`ask customer ${id} question '"What was it about my router?"'`)]);
  }
  rows.push(["with the nats CLI", nats(`req ${app}.call.supervisor.main.summary ''`)]);
  if (customer !== undefined && plainId.test(customer))
    rows.push(["", nats(`kv get ${app}_state customer.${customer} --raw`)]);
  rows.push(["", nats(`kv watch ${app}_state`)]);
  const width = Math.max(...rows.map(([what]) => what.length));
  const lines = rows.map(([what, command]) => `  ${paint("dim", what.padEnd(width))}  ${command}`);
  return [...links, paint("bold", "Look further, in another terminal:"), ...lines].join("\n");
}

/** Links into Jaeger's page: all that was traced, and one message from end to end. */
export function printTraces({ jaegerUrl, traceId }: NonNullable<Place["traces"]>): string {
  const all = `Traces: ${jaegerUrl}/search?service=${serviceName}`;
  return traceId === undefined ? all : `${all}\n  one customer's last message: ${jaegerUrl}/trace/${traceId}`;
}
