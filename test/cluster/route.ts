// The way of one process to the servers: a proxy before each of them, so that it can be cut off alone.

import type { Direction, TcpProxy } from "../support/tcp-proxy.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

export interface Route extends AsyncDisposable {
  readonly urls: readonly string[];
  /** All connections break; new ones stand. */
  cut(): void;
  /** All connections break, and each new one at once, until `heal`. */
  refuse(): void;
  /** Bytes wait until `heal`, and arrive then. */
  hold(direction: Direction): void;
  /** Bytes vanish. Ends with `cut`, since no network takes some out of the middle and goes on. */
  swallow(direction: Direction): void;
  heal(): void;
}

export async function openRoute(serverPorts: readonly number[]): Promise<Route> {
  const proxies = await Promise.all(serverPorts.map((port) => startTcpProxy(port)));
  const each = (act: (proxy: TcpProxy) => void) => {
    for (const proxy of proxies) act(proxy);
  };
  return {
    urls: proxies.map(({ url }) => url),
    cut: () => each((proxy) => proxy.cut()),
    refuse: () => each((proxy) => proxy.refuse()),
    hold: (direction) => each((proxy) => proxy.hold(direction)),
    swallow: (direction) => each((proxy) => proxy.swallow(direction)),
    heal: () => each((proxy) => proxy.heal()),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
    },
  };
}
