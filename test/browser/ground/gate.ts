// A turn that goes on until the test lets it: what it holds on to is a connection to the test's process, wherever its worker runs.
//
//   await using gate = await openGate();
//   await slow.tell.hold(gate.port);       // its turn begins, and what comes after it waits
//   gate.release();

import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";

export interface Gate extends AsyncDisposable {
  readonly port: number;
  /** Lets go who waits, and whoever comes after that. Idempotent. */
  release(): void;
}

export async function openGate(): Promise<Gate> {
  const waiting = new Set<Socket>();
  let isReleased = false;
  const server = createServer((socket) => {
    socket.on("error", () => {}); // It went by itself: nobody waits there any more.
    if (isReleased) return void socket.destroy();
    waiting.add(socket);
    socket.on("close", () => waiting.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const release = () => {
    isReleased = true;
    for (const socket of waiting) socket.end();
  };
  return {
    port: (server.address() as AddressInfo).port,
    release,
    [Symbol.asyncDispose]: async () => {
      release();
      const closed = once(server, "close");
      server.close();
      for (const socket of waiting) socket.destroy();
      await closed;
    },
  };
}

/** Resolves when the gate lets go. Rejects when the signal aborts, or nobody is there. */
export async function passGate(port: number, signal: AbortSignal): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.resume();
  try {
    await once(socket, "close", { signal });
  } finally {
    socket.destroy();
  }
}
