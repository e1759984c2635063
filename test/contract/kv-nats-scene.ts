// A store on a real server that is seen twice: straight, and through a proxy that breaks the connection.

import type { NatsLink } from "../../src/kv/nats-link.ts";
import { openLink } from "../../src/kv/nats-link.ts";
import type { NatsStoreOptions } from "../../src/kv/nats-store.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import type { TestServer } from "../support/nats-server.ts";
import type { TcpProxy } from "../support/tcp-proxy.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { within } from "./kv-support.ts";

let buckets = 0;

export interface Scene extends AsyncDisposable {
  readonly proxy: TcpProxy;
  /** Straight to the server. */
  readonly direct: NatsLink;
  /** Through the proxy. */
  readonly proxied: NatsLink;
  readonly bucket: string;
  open(link: NatsLink, options?: Partial<NatsStoreOptions>): ReturnType<typeof openNatsStore>;
}

export async function setScene(at: TestServer): Promise<Scene> {
  buckets += 1;
  const bucket = `faults_${buckets}`;
  await using opening = new AsyncDisposableStack();
  const proxy = opening.use(await startTcpProxy(at.port));
  const direct = opening.use(await openLink({ servers: at.url }));
  const proxied = opening.use(await openLink({ servers: proxy.url }));
  const opened = opening.move();
  return {
    proxy,
    direct,
    proxied,
    bucket,
    open: async (link, options = {}) => opened.use(await openNatsStore({ link, bucket, ...options })),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

export const reconnected = (link: NatsLink): Promise<void> => happened((listener) => link.onReconnected(listener));
export const disconnected = (link: NatsLink): Promise<void> => happened((listener) => link.onDisconnected(listener));

function happened(listen: (listener: () => void) => () => void): Promise<void> {
  return within(
    30_000, // With the start of a server in between.
    "the link's event",
    new Promise((resolve) => {
      const unlisten = listen(() => {
        unlisten();
        resolve();
      });
    }),
  );
}
