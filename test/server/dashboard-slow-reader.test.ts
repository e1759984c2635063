// The live stream over a real socket whose other side does not read: what the kernel takes is lost to us, and no more than that.

import { once } from "node:events";
import type { Server } from "node:http";
import { connect } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { LiveHub } from "../../src/monitoring/dashboard/live-hub.ts";
import { latest } from "../../src/monitoring/dashboard/live-topic.ts";
import { listen, urlOf } from "../../src/monitoring/listen.ts";

const events = 100;
const eventBytes = 1_048_576;

test("L1, L2: of 100 MiB a reader that does not read gets what its socket holds; when it reads it gets what is so now, and the others lost nothing", async () => {
  const hub = new LiveHub(systemClock);
  let publish: (text: string) => void = () => {};
  const open = (to: (text: string) => void) => {
    publish = to;
    return () => {};
  };
  hub.register("now", { merge: latest<string>, open });
  const app = new Hono();
  app.get("/api/live", (context) => context.body(hub.listen(["now"], undefined)));
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  const listening = await listen(server, "127.0.0.1", 0);

  const stuck = connect(listening.port, listening.host);
  await once(stuck, "connect");
  stuck.pause();
  stuck.write(`GET /api/live HTTP/1.1\r\nHost: ${listening.host}\r\n\r\n`);
  const { body } = await fetch(`${urlOf(listening)}/api/live`);
  const reader = (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  const next = async () => {
    let text = "";
    // Who has waited for 10 s is sent a comment first.
    while (!text.endsWith("\n\n")) text = (text + ((await reader.read()).value ?? "")).replace(/^(: alive\n\n)+/, "");
    return text;
  };
  // Both are heard: who comes when the last event is out waits for ever.
  await expect.poll(() => hub.clients).toBe(2);
  const filling = "x".repeat(eventBytes);
  for (let event = 1; event <= events; event += 1) {
    publish(`${event} ${filling}`);
    expect((await next()).slice(0, 30)).toContain(`data: "${event} xxx`);
  }

  const seen: number[] = [];
  let text = "";
  stuck.setEncoding("utf8").on("data", (chunk: string) => {
    text = text.slice(-40) + chunk;
    for (const [, event] of text.matchAll(/data: "(\d+) x/g))
      if (seen.at(-1) !== Number(event)) seen.push(Number(event));
  });
  stuck.resume();
  while (seen.at(-1) !== events) await once(stuck, "data");
  expect(seen.length).toBeLessThan(30);
  stuck.destroy();
  hub.close();
  server.closeAllConnections();
  server.close();
});
