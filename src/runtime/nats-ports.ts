// The ports on a NATS server: streams and buckets are made by whoever comes first.

import { systemClock } from "../core/clock.ts";
import type { LinkOptions, NatsLink } from "../kv/nats-link.ts";
import { openLink } from "../kv/nats-link.ts";
import { openNatsStore } from "../kv/nats-store.ts";
import type { KvStore } from "../kv/store.ts";
import type { Layout } from "./layout.ts";
import { ensureLayout } from "./layout.ts";
import { factsHistoryDefault, lazyMemory } from "./lazy-memory.ts";
import { type Lazy, lazily } from "./lazy-store.ts";
import type { Mail } from "./mail.ts";
import { openNatsMail } from "./nats-mail.ts";
import { serveMicro } from "./nats-micro.ts";
import type { OpenPorts, PoolPorts, Ports, PortsRequest } from "./ports.ts";
import { subjectsOf } from "./subjects.ts";

/** How long a commit waits for its acknowledgement before it is looked up at the key's leader. Unit: ms. */
const commitMsMax = 2_000;
/** The same for a lease: one that is lost, with a leader say, must leave time for another before it is over. Unit: ms. */
const leaseWriteMsMax = 1_000;

export interface NatsPortsOptions {
  /** Given to the NATS client as they are: servers, credentials, TLS, name. */
  readonly nats: LinkOptions;
  /** Copies of each stream and bucket on the servers of a cluster. Only for what is made now. Default 1. */
  readonly replicas?: number | undefined;
  /** Values of each actor that are kept. Only for what is made now. Default 8, at most 64. */
  readonly history?: number | undefined;
  /** Values of each fact that are kept. Only for what is made now. Default 16, at most 64. */
  readonly factsHistory?: number | undefined;
  /** Values of each central state that are kept. Only for what is made now. Default 8, at most 64. */
  readonly centralHistory?: number | undefined;
  /** How long the server drops a message id that it has seen. Only for what is made now. Unit: ms. Default 120,000. */
  readonly duplicateWindowMs?: number | undefined;
}

/** Rejects with SERVER_UNREACHABLE, SERVER_TOO_OLD, SERVER_UNSUITABLE, LAYOUT_MISMATCH. */
export function natsPorts(options: NatsPortsOptions): OpenPorts {
  return async (request) => openPortsOver(await openLink(options.nats), options, request);
}

/** The ports over a connection that is open; it is closed with them, or at once when they cannot be opened. */
export async function openPortsOver(
  link: NatsLink,
  options: Omit<NatsPortsOptions, "nats">,
  { app, pool, partitionCount }: PortsRequest,
): Promise<Ports> {
  const subjects = subjectsOf(app, pool);
  const mails: Mail[] = [];
  try {
    const replicas = options.replicas === undefined ? {} : { replicas: options.replicas };
    const openPool = async (name: string, wanted?: number): Promise<PoolPorts & Layout> => {
      const ofPool = subjectsOf(app, name);
      const layout = await ensureLayout({
        ...{ link, subjects: ofPool, ...replicas },
        ...(wanted === undefined ? {} : { partitionCount: wanted }),
        ...(options.duplicateWindowMs === undefined ? {} : { duplicateWindowMs: options.duplicateWindowMs }),
      });
      const mail = openNatsMail({ link, subjects: ofPool, partitionCount: layout.partitionCount });
      mails.push(mail);
      return { pool: name, mail, ...layout };
    };
    const own = await openPool(pool, partitionCount);
    const [state, cluster] = await Promise.all([
      openNatsStore({
        ...{ link, bucket: subjects.stateBucket, history: options.history ?? 8, ...replicas },
        writeTimeoutMs: commitMsMax,
        description: `Troupe: what the actors of ${app} have committed`,
      }),
      openNatsStore({
        ...{ link, bucket: subjects.clusterBucket, history: 1, ...replicas },
        writeTimeoutMs: leaseWriteMsMax,
        description: `Troupe: the workers of ${app} and who owns what`,
      }),
    ]);
    const memory = lazyMemory(async () => {
      const [entries, facts] = await Promise.all([
        openNatsStore({
          ...{ link, bucket: subjects.memoryBucket, history: 1, ...replicas },
          description: `Troupe: what the agents of ${app} remember`,
        }),
        openNatsStore({
          ...{ link, bucket: subjects.factsBucket, history: options.factsHistory ?? factsHistoryDefault, ...replicas },
          description: `Troupe: the facts that the agents of ${app} know`,
        }),
      ]);
      return { entries, facts };
    });
    const central = lazyCentral(link, subjects.centralBucket, options);
    const close = async () => {
      await Promise.all(mails.map((mail) => mail.close()));
      await Promise.all([state.close(), cluster.close(), memory.close(), central.close()]);
      await link.close();
    };
    return {
      ...own,
      ...{ clock: systemClock, state, cluster, openPool, close, openMemory: memory.open },
      openCentral: central.open,
      serveMicro: (service) => serveMicro(link, systemClock, service),
      [Symbol.asyncDispose]: close,
    };
  } catch (thrown) {
    await link.close();
    throw thrown;
  }
}

function lazyCentral(
  link: NatsLink,
  bucket: string,
  { centralHistory = 8, replicas }: Omit<NatsPortsOptions, "nats">,
): Lazy<KvStore> {
  return lazily(
    () =>
      openNatsStore({
        ...{ link, bucket, history: centralHistory, ...(replicas === undefined ? {} : { replicas }) },
        description: "Troupe: the central state store, states that many share",
      }),
    (store) => store.close(),
  );
}
