// What a service says of itself in the protocol of NATS services (ADR-32), which `nats micro` and the official clients
// speak: who is there (PING), how it is called (INFO), what it has done (STATS). Pure; decision 0022 says why by hand.
//
//   N1. A request that names an actor's method is counted once, when it has been answered: with an error or without, and
//       with the time that it took from its arrival, also when many are under way at once.

/** What was done at one endpoint (N1). */
export class EndpointCount {
  #requests = 0;
  #errors = 0;
  #lastError = "";
  #tookMs = 0;

  /** `error`: what it was answered with, as one line. */
  add(tookMs: number, error?: string): void {
    this.#requests += 1;
    this.#tookMs += tookMs;
    if (error === undefined) return;
    this.#errors += 1;
    this.#lastError = error.slice(0, lastErrorLengthMax);
  }

  get said(): EndpointSaid {
    const processingNs = Math.round(this.#tookMs * nanosPerMs);
    return {
      num_requests: this.#requests,
      num_errors: this.#errors,
      last_error: this.#lastError,
      processing_time: processingNs,
      average_processing_time: this.#requests === 0 ? 0 : Math.round(processingNs / this.#requests),
    };
  }
}

/** As the protocol spells it. Times in nanoseconds. */
interface EndpointSaid {
  readonly num_requests: number;
  readonly num_errors: number;
  readonly last_error: string;
  readonly processing_time: number;
  readonly average_processing_time: number;
}

type Metadata = Readonly<Record<string, string>>;

export interface MicroEndpoint {
  readonly name: string;
  readonly subject: string;
  /** Of all that serve the subject under this name one gets each request. */
  readonly queue: string;
  readonly metadata: Metadata;
  readonly count: EndpointCount;
}

export interface MicroService {
  /** Letters, digits, `_` and `-`, as in the id. */
  readonly name: string;
  readonly id: string;
  /** As semver has it. */
  readonly version: string;
  readonly description: string;
  readonly metadata: Metadata;
  /** When it began, as ISO 8601 has it. */
  readonly startedAt: string;
  readonly endpoints: readonly MicroEndpoint[];
}

const nanosPerMs = 1e6;
const lastErrorLengthMax = 500;

/** The answer to a question about the service, as it goes out; undefined for a verb that the protocol does not know. */
export function answerMicro(service: MicroService, verb: string): string | undefined {
  const { name, id, version, description, metadata, startedAt, endpoints } = service;
  const identity = { name, id, version, metadata };
  switch (verb) {
    case "PING":
      return JSON.stringify({ type: "io.nats.micro.v1.ping_response", ...identity });
    case "INFO":
      return JSON.stringify({
        ...{ type: "io.nats.micro.v1.info_response", ...identity, description },
        endpoints: endpoints.map(({ queue, count: _counted, ...endpoint }) => ({ ...endpoint, queue_group: queue })),
      });
    case "STATS":
      return JSON.stringify({
        ...{ type: "io.nats.micro.v1.stats_response", ...identity, started: startedAt },
        endpoints: endpoints.map(({ queue, count, metadata: _told, ...endpoint }) => ({
          ...{ ...endpoint, queue_group: queue },
          ...count.said,
        })),
      });
    default:
      return undefined;
  }
}
