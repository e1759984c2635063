// What becomes of failures when workers die, and when much time passes: in a simulated world.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler } from "../../src/actors/definition.ts";
import { silentLogger } from "../../src/core/log.ts";
import { connect } from "../../src/runtime/client.ts";
import type { MemoryFault, MemoryOperation } from "../../src/runtime/memory-faults.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import { subjectsOf } from "../../src/runtime/subjects.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { worldWithFaults } from "./runtime-doubles.ts";

const list = z.object({ done: z.array(z.string()) });
const retry = { attempts: 1 };

function stage(matches: (operation: MemoryOperation) => boolean, faults: readonly MemoryFault[]) {
  const { world, clock } = worldWithFaults(matches, faults);
  let isBroken = true;
  const act = handler(z.string(), (ctx: { state: z.infer<typeof list> }, text) => {
    if (isBroken && text === "break it") throw new Error("broken");
    ctx.state.done.push(text);
  });
  const plain = defineActor("plain", { state: list, initial: { done: [] }, retry }, { act });
  const fragile = defineActor(
    "fragile",
    { state: list, initial: { done: [] }, retry, onFailure: "stop" },
    {
      act,
      pass: handler(z.string(), (ctx, to) => {
        ctx.actor(fragile, to).tell.act(`from ${ctx.self.id}`);
      }),
    },
  );
  const worker = (name: string) =>
    clock.runFor(
      createWorker({
        ...{ actors: [plain, fragile], partitions: 1, logger: silentLogger },
        ports: memoryPorts({ world, name }),
      }),
    );
  const client = () => clock.runFor(connect({ ports: memoryPorts({ world, name: "client" }), partitions: 1 }));
  const repair = () => {
    isBroken = false;
  };
  const buried = () => world.buried(subjectsOf("troupe", "main"));
  return { world, clock, plain, fragile, worker, client, repair, buried };
}

const isCommitOf = (key: string) => (operation: MemoryOperation) =>
  operation.kind === "kv-write" && operation.subject === `troupe_state.${key}`;

test("P7: what an owner gives up on, and the next one applies, is not buried: its commit decides (seeds 106136, 107135)", async () => {
  // Whatever the first worker says from its commit on waits behind it: its lease ends, and the second takes over.
  const { clock, plain, worker, client, repair, buried } = stage(isCommitOf("plain.p"), [{ delayMs: 6_000 }]);
  await worker("first");
  const actor = (await client()).actor(plain, "p");
  await clock.runFor(actor.tell.act("break it"));
  await clock.advance(100);
  repair();
  await worker("second");
  await clock.advance(30_000);
  expect((await clock.runFor(actor.get()))?.state.done).toEqual(["break it"]);
  expect(buried()).toEqual([]);
});

test("H3: the mail of a stopped actor is kept however long that takes, and read again when it goes on", async () => {
  const { clock, plain, fragile, worker, client, repair } = stage(() => false, []);
  await worker("first");
  const troupe = await client();
  const stopped = troupe.actor(fragile, "f");
  for (const text of ["first", "break it", "behind it"]) await clock.runFor(stopped.tell.act(text));
  for (let hour = 0; hour < 3; hour += 1) {
    await clock.runFor(troupe.actor(plain, "p").tell.act(`hour ${hour}`));
    await clock.advance(3_600_000);
  }
  repair();
  expect(await clock.runFor(stopped.resume())).toBe("resumed");
  await clock.advance(1_000);
  expect((await clock.runFor(stopped.get()))?.state.done).toEqual(["first", "break it", "behind it"]);
  expect((await clock.runFor(troupe.actor(plain, "p").get()))?.state.done).toHaveLength(3);
});

test("P3: an actor that stops is not let go before what it has sent is published", async () => {
  const isOfFirst = ({ kind, client }: MemoryOperation) => kind === "append" && client === "first";
  const { world, clock, fragile, worker, client } = stage(isOfFirst, new Array(1_000).fill({ refuse: "disk full" }));
  const first = await worker("first");
  const troupe = await client();
  const actor = troupe.actor(fragile, "f");
  await clock.runFor(Promise.all([actor.tell.pass("other"), actor.tell.act("break it")]));
  await clock.advance(5_000); // Cursors are saved each second.
  expect((await clock.runFor(actor.get()))?.stopped).toMatchObject({ code: "HANDLER_FAILED" });
  world.crash("first");
  void first.close();
  await worker("second");
  await clock.advance(60_000);
  expect((await clock.runFor(troupe.actor(fragile, "other").get()))?.state.done).toEqual(["from f"]);
});
