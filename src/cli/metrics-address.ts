// Where a worker answers Prometheus: `[HOST:]PORT`, of the loopback unless a host is named.

import { usage } from "./failure.ts";

export interface MetricsAddress {
  readonly host: string;
  readonly port: number;
}

const hostDefault = "127.0.0.1";
const remedy = "Give a port, as in --metrics 9464, or an address of this machine, as in --metrics 0.0.0.0:9464.";

/** That of the option, else of TROUPE_METRICS; undefined when neither says one. Throws a usage failure. */
export function metricsAddressOf(option: string | undefined, env: NodeJS.ProcessEnv): MetricsAddress | undefined {
  const text = option ?? env.TROUPE_METRICS ?? "";
  if (text === "" && option === undefined) return undefined;
  const colon = text.lastIndexOf(":");
  const host = colon === -1 ? hostDefault : text.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  const digits = text.slice(colon + 1);
  const port = Number(digits);
  if (!/^\d+$/.test(digits) || port > 65_535 || host === "" || /[\s/]/.test(host)) {
    const from = option === undefined ? "TROUPE_METRICS" : "--metrics";
    throw usage(`${JSON.stringify(text)} is no address for ${from}`, remedy);
  }
  return { host, port };
}
