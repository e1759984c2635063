// Sending spans, with a collector that is there, gone or silent.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { startOtlpReceiver } from "../support/otlp-receiver.ts";
import { runScript } from "../support/script-run.ts";

const script = new URL("../support/telemetry-script.ts", import.meta.url).pathname;
/** Deadline of a shutdown, and what a slow machine may add. Unit: ms. */
const shutdownMsMax = 3_000 + 5_000;

async function shutDown(url: string): Promise<{ readonly shutdownMs: number; readonly complaints: readonly string[] }> {
  await using child = runScript(script, { OTLP_URL: url });
  const { shutdownMs } = (await child.next()) as { shutdownMs: number };
  const saidAtMs = performance.now();
  expect(await child.exited, child.errors).toBe(0);
  // E2: nothing that was under way keeps the process alive for long.
  expect(performance.now() - saidAtMs).toBeLessThan(shutdownMsMax);
  return { shutdownMs, complaints: child.errors.split("\n").filter((line) => line.includes("cannot be sent")) };
}

test("E2: a shutdown sends every span that has ended", async () => {
  await using collector = await startOtlpReceiver();
  const { complaints } = await shutDown(collector.url);
  expect(complaints).toEqual([]);
  expect(new Set(collector.spans.map(({ name }) => name)).size).toBe(2_000);
  expect(collector.resources.get("script")).toMatchObject({ "telemetry.sdk.language": "nodejs" });
});

test("a URL with a path is taken as it is", async () => {
  await using collector = await startOtlpReceiver();
  await shutDown(`${collector.url}/deep/otlp`);
  expect(collector.paths).toEqual(new Set(["/deep/otlp"]));
});

test("E2, E3: a collector that is gone holds nothing up, and is complained of once, not for each batch", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  const { shutdownMs, complaints } = await shutDown(`http://user:secret@127.0.0.1:${port}`);
  expect(shutdownMs).toBeLessThan(shutdownMsMax);
  expect(complaints).toHaveLength(1);
  expect(complaints[0]).toContain("ECONNREFUSED");
  expect(complaints[0]).not.toContain("secret");
});

test("E2: a collector that takes the connection and says nothing holds nothing up either", async () => {
  const sockets: { destroy(): void }[] = [];
  const server = createServer((socket) => void sockets.push(socket.on("error", () => socket.destroy())));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { shutdownMs } = await shutDown(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  expect(shutdownMs).toBeLessThan(shutdownMsMax);
  for (const socket of sockets) socket.destroy();
  server.close();
});
