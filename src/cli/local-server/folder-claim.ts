// Who runs the server of a folder: at most one process, and the others learn from it where the server is.
//
//   C1. Of all processes of this machine at most one holds the claim on a folder.
//   C2. A holder that died, however it died, holds nothing: the kernel closes its socket, so no process id is trusted.
//   C3. Whoever does not get the claim gets what the holder announced, and learns when the holder is gone.
//
// The claim is a listening Unix socket in the folder. Its file outlives a killed holder; then nobody answers there.

import { once } from "node:events";
import { open, rm, stat } from "node:fs/promises";
import type { Server, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { delay, systemClock } from "../../core/clock.ts";
import { TroupeError } from "../../core/errors.ts";

export interface HeldClaim {
  readonly kind: "held";
  /** Tells everybody who asks, now or later. One line. */
  announce(line: string): void;
  /** Idempotent. */
  release(): Promise<void>;
}

export interface TakenClaim {
  readonly kind: "taken";
  /** What the holder announced. */
  readonly line: string;
  /** Resolves when the holder has released the claim or died. Waiting for it does not keep the process alive. */
  readonly released: Promise<void>;
}

/** A socket's path holds at most 107 bytes on Linux, 103 on macOS. */
const pathBytesMax = 103;
const lookEveryMs = 50;
/** A holder that starts its server says where it is within that time; those who wait for longer are told why. Unit: ms. */
const patientMs = 1_000;
/** A process that is removing a dead holder's socket is done in an instant. After this it is dead itself. Unit: ms. */
const removalMsMax = 10_000;

export interface ClaimOptions {
  /** Unit: ms. Default 90,000. */
  readonly waitMsMax?: number;
  /** Told once, when the wait is long enough to be noticed. */
  readonly onWaiting?: () => void;
}

/** Claims the folder, or waits until its holder has announced something. Rejects with STORE_FAILED after `waitMsMax`. */
export async function claimFolder(folder: string, options: ClaimOptions = {}): Promise<HeldClaim | TakenClaim> {
  const { waitMsMax = 90_000, onWaiting = () => {} } = options;
  const cancel = systemClock.after(patientMs, onWaiting);
  try {
    return await claimWithin(folder, waitMsMax);
  } finally {
    cancel();
  }
}

async function claimWithin(folder: string, waitMsMax: number): Promise<HeldClaim | TakenClaim> {
  const path = socketPath(folder);
  const giveUp = AbortSignal.timeout(waitMsMax);
  while (!giveUp.aborted) {
    const server = await tryListen(path);
    if (server !== undefined) return hold(server);
    const answer = await ask(path, giveUp);
    if (answer.kind === "taken") return answer;
    if (answer.kind === "dead") await removeDeadSocket(path, giveUp);
    await delay(systemClock, lookEveryMs);
  }
  throw new TroupeError(
    "STORE_FAILED",
    `another process holds ${folder} and said for ${waitMsMax} ms not where its server is; end it, or use another folder`,
  );
}

/** What the holder of the folder announced, or announces within `waitMsMax`; undefined when there is no holder. */
export async function askHolder(folder: string, options: ClaimOptions = {}): Promise<TakenClaim | undefined> {
  const { waitMsMax = 90_000, onWaiting = () => {} } = options;
  const cancel = systemClock.after(patientMs, onWaiting);
  try {
    const answer = await ask(socketPath(folder), AbortSignal.timeout(waitMsMax));
    return answer.kind === "taken" ? answer : undefined;
  } finally {
    cancel();
  }
}

function socketPath(folder: string): string {
  const path = join(folder, "server.sock");
  const shorter = [path, relative(process.cwd(), path)].find((each) => Buffer.byteLength(each) <= pathBytesMax);
  if (shorter !== undefined) return shorter;
  throw new TroupeError("OPTION_INVALID", `the data folder's path is too long for a socket in it: ${folder}`);
}

/** undefined when the socket's file is there already. */
async function tryListen(path: string): Promise<Server | undefined> {
  const server = createServer();
  try {
    server.listen(path);
    await once(server, "listening");
    return server;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "EADDRINUSE") return undefined;
    throw thrown;
  }
}

function hold(server: Server): HeldClaim {
  const asking = new Set<Socket>();
  let announced = "";
  server.on("connection", (socket) => {
    asking.add(socket);
    // Who asked and went away again is of no interest.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => asking.delete(socket));
    socket.unref();
    if (announced !== "") socket.write(announced);
  });
  server.unref();
  return {
    kind: "held",
    announce: (line) => {
      announced = `${line}\n`;
      for (const socket of asking) socket.write(announced);
    },
    release: async () => {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      for (const socket of asking) socket.destroy();
      await closed;
    },
  };
}

type Answer = TakenClaim | { readonly kind: "dead" } | { readonly kind: "ending" };

/** "dead": nobody listens there. "ending": the holder went away before it had announced anything. */
async function ask(path: string, giveUp: AbortSignal): Promise<Answer> {
  const socket = connect(path);
  const released = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  try {
    await once(socket, "connect", { signal: giveUp });
  } catch (thrown) {
    socket.destroy();
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === "ECONNREFUSED" || code === "ENOENT") return { kind: "dead" };
    if (giveUp.aborted) return { kind: "ending" };
    throw thrown;
  }
  socket.on("error", () => socket.destroy());
  const lines = createInterface({ input: socket });
  const late = once(giveUp, "abort").then(() => undefined);
  const line = await Promise.race([
    once(lines, "line").then(([text]) => String(text)),
    released.then(() => undefined),
    late,
  ]);
  if (line !== undefined) {
    socket.unref();
    return { kind: "taken", line, released };
  }
  socket.destroy();
  return { kind: "ending" };
}

/** Only one process at a time removes a dead holder's socket: another one could have claimed the folder since (C1). */
export async function removeDeadSocket(path: string, giveUp: AbortSignal): Promise<void> {
  const note = `${path}.removing`;
  try {
    await (await open(note, "wx")).close();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "EEXIST") throw thrown;
    const sinceMs = await stat(note).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (sinceMs > removalMsMax) await rm(note, { force: true });
    return;
  }
  try {
    if ((await ask(path, giveUp)).kind === "dead") await rm(path, { force: true });
  } finally {
    await rm(note, { force: true });
  }
}
