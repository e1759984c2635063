// A TCP proxy before the server, for what networks do: bytes that vanish, connections that break, doors that close.

import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";

export type Direction = "to-client" | "to-server" | "both";

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Client connections that are open now. */
  readonly connections: number;
  /** From now on bytes in that direction are read and thrown away; connections stay open. Until `cut` or `heal`. */
  swallow(direction: Direction): void;
  /**
   * From now on bytes in that direction wait, on the way and before the proxy; connections stay open. After `heal` they
   * arrive, in order and late, as over a network that was away for less than TCP's patience. `cut` loses them.
   */
  hold(direction: Direction): void;
  /** Destroys all connections. New ones are accepted and forwarded; swallowing and holding end. */
  cut(): void;
  /** Destroys all connections, and each new one at once, until `heal`. */
  refuse(): void;
  /** Forwards everything again, first what was held. What was swallowed is gone. */
  heal(): void;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const open = new Set<Socket>();
  const upstreams = new Set<Socket>();
  const swallowing = { "to-client": false, "to-server": false };
  const holding = { "to-client": false, "to-server": false };
  let isRefusing = false;
  const server = createServer({ noDelay: true }, (client) => {
    if (isRefusing) return void client.destroy();
    const upstream = connect({ port: targetPort, host: "127.0.0.1", noDelay: true });
    open.add(client);
    upstreams.add(upstream);
    forward(client, upstream, { isSwallowed: () => swallowing["to-server"], isHeld: () => holding["to-server"] });
    forward(upstream, client, { isSwallowed: () => swallowing["to-client"], isHeld: () => holding["to-client"] });
    client.once("close", () => open.delete(client));
    upstream.once("close", () => upstreams.delete(upstream));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const deliverAll = () => {
    swallowing["to-client"] = swallowing["to-server"] = false;
    holding["to-client"] = holding["to-server"] = false;
    for (const socket of [...open, ...upstreams]) socket.resume();
  };
  const cut = () => {
    for (const socket of [...open, ...upstreams]) socket.destroy();
    open.clear();
    deliverAll();
  };
  return {
    port,
    url: `nats://127.0.0.1:${port}`,
    get connections() {
      return open.size;
    },
    swallow: (direction) => {
      if (direction !== "to-server") swallowing["to-client"] = true;
      if (direction !== "to-client") swallowing["to-server"] = true;
    },
    hold: (direction) => {
      if (direction !== "to-server") holding["to-client"] = true;
      if (direction !== "to-client") holding["to-server"] = true;
      if (holding["to-client"]) for (const socket of upstreams) socket.pause();
      if (holding["to-server"]) for (const socket of open) socket.pause();
    },
    cut,
    refuse: () => {
      isRefusing = true;
      cut();
    },
    heal: () => {
      isRefusing = false;
      deliverAll();
    },
    [Symbol.asyncDispose]: async () => {
      isRefusing = true;
      cut();
      if (!server.listening) return;
      server.close();
      await once(server, "close");
    },
  };
}

/** What befalls the bytes of one direction. */
interface Fate {
  isSwallowed(): boolean;
  isHeld(): boolean;
}

/** Copies what `from` says to `to`; when one of them ends, for whatever reason, so does the other. */
function forward(from: Socket, to: Socket, { isSwallowed, isHeld }: Fate): void {
  from.on("data", (bytes) => {
    if (isSwallowed() || to.destroyed) return;
    if (!to.write(bytes)) from.pause();
  });
  if (isHeld()) from.pause();
  to.on("drain", () => {
    if (!isHeld()) from.resume();
  });
  // A goodbye: what was said before it still arrives.
  from.on("end", () => to.end());
  // A reset is one of the ways in which a connection ends: "close" follows.
  from.on("error", () => from.destroy());
  from.on("close", () => {
    if (!to.writableEnded) to.destroy();
  });
}
