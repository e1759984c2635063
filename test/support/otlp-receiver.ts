// A collector for one test: takes OTLP over HTTP as JSON and keeps the spans in a form that is easy to look at. What it gets it
// can hand on as it is to another one, a real Jaeger, say.

import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface ReceivedSpan {
  readonly service: string;
  /** Of the process that made it. */
  readonly pid: number;
  readonly name: string;
  readonly kind: "internal" | "server" | "client" | "producer" | "consumer";
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined for the first of its trace. */
  readonly parentId: string | undefined;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly error: string | undefined;
  readonly events: readonly string[];
}

export interface OtlpReceiver extends AsyncDisposable {
  /** Without a path, as one gives it to `--otlp`. */
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** The paths that were posted to. */
  readonly paths: ReadonlySet<string>;
  /** The resource of each service that has sent something. */
  readonly resources: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: {
    readonly stringValue?: string;
    readonly intValue?: number | string;
    readonly doubleValue?: number;
    readonly boolValue?: boolean;
    readonly arrayValue?: { readonly values: readonly { readonly stringValue?: string }[] };
  };
}

interface OtlpSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly attributes?: readonly OtlpAttribute[];
  readonly status?: { readonly code?: number; readonly message?: string };
  readonly events?: readonly { readonly name: string }[];
}

interface OtlpBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

const kinds = ["internal", "internal", "server", "client", "producer", "consumer"] as const;

/** `handOnTo`: an OTLP URL with its path, which gets all that comes before it is answered for. */
export async function startOtlpReceiver(handOnTo?: string): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const paths = new Set<string>();
  const resources = new Map<string, Readonly<Record<string, unknown>>>();
  const server = createServer(async (request, response) => {
    paths.add(request.url ?? "");
    const text = await textOf(request);
    const body = JSON.parse(text) as OtlpBody;
    for (const { resource, scopeSpans } of body.resourceSpans) {
      const attributes = attributesOf(resource.attributes);
      const service = String(attributes["service.name"]);
      resources.set(service, attributes);
      for (const scope of scopeSpans) spans.push(...scope.spans.map((span) => readSpan(span, attributes)));
    }
    if (handOnTo !== undefined) {
      await fetch(handOnTo, { method: "POST", headers: { "Content-Type": "application/json" }, body: text });
    }
    response.writeHead(200, { "Content-Type": "application/json" }).end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    paths,
    resources,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return text;
}

function readSpan(span: OtlpSpan, resource: Readonly<Record<string, unknown>>): ReceivedSpan {
  return {
    service: String(resource["service.name"]),
    pid: Number(resource["process.pid"]),
    name: span.name,
    kind: kinds[span.kind] ?? "internal",
    traceId: span.traceId,
    spanId: span.spanId,
    parentId: span.parentSpanId === "" ? undefined : span.parentSpanId,
    links: (span.links ?? []).map(({ traceId, spanId }) => ({ traceId, spanId })),
    attributes: attributesOf(span.attributes ?? []),
    error: span.status?.code === 2 ? (span.status.message ?? "") : undefined,
    events: (span.events ?? []).map(({ name }) => name),
  };
}

function attributesOf(attributes: readonly OtlpAttribute[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ??
        value.boolValue ??
        value.doubleValue ??
        value.arrayValue?.values.map(({ stringValue }) => stringValue) ??
        Number(value.intValue),
    ]),
  );
}
