// A real Jaeger for one test, with its traces in memory, on free ports of the loopback. TROUPE_JAEGER (optional-program.ts) `=require`
// builds it with go, which takes some five minutes on two cores.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pickFreePort } from "../../src/cli/local-server/free-port.ts";
import { buildJaeger } from "./jaeger-build.ts";
import { findOptional } from "./optional-program.ts";

export interface Jaeger extends AsyncDisposable {
  /** Where spans go: OTLP over HTTP, with its path. */
  readonly otlpUrl: string;
  /** Of its page and its API. */
  readonly url: string;
}

/** As Jaeger's API answers. */
export interface JaegerSpan {
  readonly spanID: string;
  readonly operationName: string;
  readonly processID: string;
  readonly references: readonly { readonly refType: string; readonly traceID: string; readonly spanID: string }[];
  readonly tags: readonly { readonly key: string; readonly value: unknown }[];
}

const program = "jaeger";
const readyMsMax = 60_000;
/** What it logs when it listens. */
const readyText = "Everything is ready";

/** Its path; undefined when there is none. Rejects when it is required and cannot be built. */
export function findJaeger(): Promise<string | undefined> {
  const { TROUPE_JAEGER: named } = process.env;
  const absent = "no Jaeger here: the tests that ask it are skipped (TROUPE_JAEGER=require builds it)";
  return findOptional({
    program,
    named,
    absent,
    get: (cacheDir, onProgress) => buildJaeger(cacheDir, program, onProgress),
  });
}

export async function startJaeger(path: string): Promise<Jaeger> {
  const [otlp, http, grpc] = [await pickFreePort(), await pickFreePort(), await pickFreePort()];
  const folder = await mkdtemp(join(tmpdir(), "troupe-test-jaeger-"));
  const config = join(folder, "config.json");
  await writeFile(config, JSON.stringify(configOf(otlp, http, grpc)));
  const child = spawn(path, ["--config", config], { stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(child, "close");
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const deadline = AbortSignal.timeout(readyMsMax);
  try {
    while (!errors.includes(readyText)) await once(child.stderr, "data", { signal: deadline });
  } catch (thrown) {
    child.kill("SIGKILL");
    throw new Error(`Jaeger does not start: ${errors}`, { cause: thrown });
  }
  return {
    otlpUrl: `http://127.0.0.1:${otlp}/v1/traces`,
    url: `http://127.0.0.1:${http}`,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The spans of a trace, by Jaeger's API, and the tags of the processes that made them. */
export async function readTrace(jaeger: Jaeger, traceId: string) {
  const response = await fetch(`${jaeger.url}/api/traces/${traceId}`);
  const { data } = (await response.json()) as {
    readonly data: readonly {
      readonly spans: readonly JaegerSpan[];
      readonly processes: Readonly<Record<string, Pick<JaegerSpan, "tags">>>;
    }[];
  };
  return data[0] ?? { spans: [], processes: {} };
}

function configOf(otlp: number, http: number, grpc: number) {
  const at = (port: number) => ({ endpoint: `127.0.0.1:${port}` });
  return {
    service: {
      extensions: ["jaeger_storage", "jaeger_query"],
      pipelines: { traces: { receivers: ["otlp"], exporters: ["jaeger_storage_exporter"] } },
      telemetry: { metrics: { level: "none" }, logs: { level: "info" } },
    },
    extensions: {
      jaeger_query: { storage: { traces: "memory" }, http: at(http), grpc: at(grpc) },
      jaeger_storage: { backends: { memory: { memory: { max_traces: 1_000 } } } },
    },
    receivers: { otlp: { protocols: { http: at(otlp) } } },
    exporters: { jaeger_storage_exporter: { trace_storage: "memory" } },
  };
}
