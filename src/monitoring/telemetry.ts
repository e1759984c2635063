// Sends spans to an OpenTelemetry collector or straight to Jaeger (OTLP over HTTP, JSON). For processes that have no SDK
// of their own: the library makes its spans through @opentelemetry/api, and the SDK is loaded here, when it is asked for.
//
//   E1. A collector that is slow or gone costs spans, never a turn: what waits for it is bounded, and dropped beyond.
//   E2. `shutdown` sends what is left and always ends, with a collector or without; nothing stays behind that keeps the
//       process alive for long.
//   E3. Trouble is told once when it begins and once when it is over, not for each batch.

import type { Attributes } from "@opentelemetry/api";
import { context, trace } from "@opentelemetry/api";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { Clock } from "../core/clock.ts";
import { delay, systemClock } from "../core/clock.ts";
import { messageOf, TroupeError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { createLogger } from "../core/log.ts";
import { AsyncContextManager } from "./async-context.ts";

export interface TelemetryOptions {
  /** `http://localhost:4318`, which becomes `http://localhost:4318/v1/traces`. One with a path is taken as it is. */
  readonly otlpUrl: string;
  /** `service.name`: what Jaeger lists the process under. */
  readonly serviceName: string;
  /** `service.version`. Default: none. */
  readonly serviceVersion?: string;
  /** Further attributes of the process. They win over `OTEL_RESOURCE_ATTRIBUTES`. */
  readonly resource?: Readonly<Record<string, string | number | boolean>>;
  /**
   * Share of the traces that are made, 0 to 1, where this process begins them; what comes in as a part of a trace is made when that
   * is. Default 1: all.
   */
  readonly sampledShare?: number;
  /** Hears of trouble with the collector. Default: pino on standard error. */
  readonly logger?: Logger;
  /** Longest that `shutdown` takes. Unit: ms. Default 3,000. */
  readonly shutdownMsMax?: number;
}

export interface Telemetry {
  /** Sends what is left, for at most `shutdownMsMax`. Never rejects. Idempotent. Spans that end later are not sent. */
  shutdown(): Promise<void>;
}

/** Longest that one batch may take with its retries: a process does not live on for longer than that (E2). Unit: ms. */
const exportMsMax = 3_000;
/** Between two batches. Unit: ms. */
const batchEveryMs = 1_000;
const batchSpansMax = 512;
/** Spans that wait for the collector (E1). */
const waitingSpansMax = 16_384;
/** A commit's links to the turns of its batch: as many as a batch has. */
const linksMax = 256;

/**
 * Registers an SDK that sends to `otlpUrl`, for as long as the process lives: once, and only where there is none yet.
 * Rejects with OPTION_INVALID.
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const url = endpointOf(options.otlpUrl);
  const { logger = createLogger(), shutdownMsMax = 3_000, sampledShare = 1 } = options;
  if (options.serviceName === "") throw new TroupeError("OPTION_INVALID", "`serviceName` is empty");
  if (!Number.isFinite(shutdownMsMax) || shutdownMsMax < 0) {
    throw new TroupeError("OPTION_INVALID", `\`shutdownMsMax\` must be 0 or more, got ${shutdownMsMax}`);
  }
  if (!(sampledShare >= 0 && sampledShare <= 1)) {
    throw new TroupeError("OPTION_INVALID", `\`sampledShare\` must be from 0 to 1, got ${sampledShare}`);
  }
  const [sdk, { OTLPTraceExporter }, resource] = await Promise.all([
    import("@opentelemetry/sdk-trace"),
    import("@opentelemetry/exporter-trace-otlp-http"),
    resourceOf(options),
  ]);
  const exporter = new OTLPTraceExporter({ url: url.href, timeoutMillis: exportMsMax });
  const provider = new sdk.TracerProvider({
    resource,
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(sampledShare) }),
    spanLimits: { linkCountLimit: linksMax },
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: reporting(exporter, url, logger),
        maxExportBatchSize: batchSpansMax,
        maxQueueSize: waitingSpansMax,
        scheduledDelayMillis: batchEveryMs,
        exportTimeoutMillis: exportMsMax,
      }),
    ],
  });
  if (!trace.setGlobalTracerProvider(provider)) {
    await provider.shutdown();
    throw new TroupeError(
      "OPTION_INVALID",
      "this process has an OpenTelemetry SDK already; configure that one instead",
    );
  }
  // Whoever has brought a context manager but no tracer provider keeps it.
  context.setGlobalContextManager(new AsyncContextManager());
  let ending: Promise<void> | undefined;
  return {
    shutdown: () => {
      ending ??= within(systemClock, shutdownMsMax, provider.shutdown());
      return ending;
    },
  };
}

/** Where traces go. Throws OPTION_INVALID. */
function endpointOf(otlpUrl: string): URL {
  const url = URL.canParse(otlpUrl) ? new URL(otlpUrl) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    const example = "http://localhost:4318";
    throw new TroupeError("OPTION_INVALID", `the OTLP URL must be like ${example}, got ${JSON.stringify(otlpUrl)}`);
  }
  if (url.pathname === "/") url.pathname = "/v1/traces";
  return url;
}

async function resourceOf({ serviceName, serviceVersion, resource }: TelemetryOptions) {
  const sdk = await import("@opentelemetry/resources");
  const ours: Attributes = {
    "service.name": serviceName,
    ...(serviceVersion === undefined ? {} : { "service.version": serviceVersion }),
    "service.instance.id": systemClock.uniqueId(),
    "process.pid": process.pid,
    ...resource,
  };
  const environment = sdk.detectResources({ detectors: [sdk.resourceAttributesEnvDetector] });
  return sdk.defaultResource().merge(environment).merge(sdk.resourceFromAttributes(ours));
}

/** The exporter, with its trouble in the log (E3). */
function reporting(exporter: SpanExporter, { origin, pathname }: URL, logger: Logger): SpanExporter {
  const url = origin + pathname; // Without a password that it may hold.
  let lost = 0;
  return {
    export: (spans, onResult) => {
      exporter.export(spans, (result) => {
        if (result.error !== undefined) {
          if (lost === 0) logger.warn({ url, error: reasonOf(result.error) }, "spans cannot be sent and are dropped");
          lost += spans.length;
        } else if (lost > 0) {
          logger.info({ url, lost }, "spans are sent again");
          lost = 0;
        }
        onResult(result);
      });
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}

/** Node's error for a host with several addresses has no message of its own, only parts. */
function reasonOf(error: Error): string {
  const parts = error instanceof AggregateError ? error.errors.map(messageOf) : [];
  return [error.message, ...parts].filter((text) => text !== "").join("; ") || error.name;
}

async function within(clock: Clock, longestMs: number, work: Promise<void>): Promise<void> {
  const done = new AbortController();
  // What could not be sent stands in the log: there is nobody left who could do anything about it.
  const settled = work.catch(() => undefined).finally(() => done.abort());
  await Promise.race([settled, delay(clock, longestMs, done.signal)]);
}
