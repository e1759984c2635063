// A fault of ours in one activation: nothing of it stays half done, nothing is lost, and nobody else is touched.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import { delay } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/log.ts";
import type { KvStore } from "../../src/kv/store.ts";
import { CellSteps } from "../../src/runtime/cell-steps.ts";
import { connect } from "../../src/runtime/client.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import type { OpenPorts } from "../../src/runtime/ports.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { over, worldWithFaults } from "./runtime-doubles.ts";

/** Where a turn's end looks into the definition: what throws there throws within the runtime, as a bug would. */
const places = ["a turn that ends at once", "a turn that ends later", "a commit", "what comes of a commit"] as const;

function stage(breaks: (typeof places)[number]) {
  const { world, clock } = worldWithFaults(() => false, []);
  let isArmed = false;
  const diary = defineActor(
    "diary",
    { state: z.object({ seen: z.array(z.number()) }), initial: { seen: [] } },
    {
      note: handler(z.number(), (ctx, n) => void ctx.state.seen.push(n)),
      slow: handler(z.number(), async (ctx, n) => {
        await delay(clock, 10);
        ctx.state.seen.push(n);
      }),
      all: query((ctx) => ctx.state.seen),
    },
  );
  const fault = (): never => {
    isArmed = false;
    throw new Error("a bug of ours");
  };
  const faulty = new Proxy(diary, {
    get: (target, name) => {
      if (isArmed && name === "mirror" && breaks.startsWith("a turn")) fault();
      return Reflect.get(target, name, target);
    },
  });
  const ports =
    (name: string): OpenPorts =>
    async (request) => {
      const own = await memoryPorts({ world, name })(request);
      const update: KvStore["update"] = (...written) => {
        if (isArmed && breaks === "a commit") fault();
        if (isArmed && breaks === "what comes of a commit") return Promise.resolve().then(fault);
        return own.state.update(...written);
      };
      return over(own, { state: over(own.state, { update }) });
    };
  const lines: string[] = [];
  const logger = {
    ...silentLogger,
    error: (fields: object, text: string) => void lines.push(`${JSON.stringify(fields)} ${text}`),
  };
  const worker = (name: string, actor: typeof diary) =>
    clock.runFor(createWorker({ actors: [actor], partitions: 1, logger, ports: ports(name) }));
  const client = () => clock.runFor(connect({ ports: memoryPorts({ world, name: "client" }), partitions: 1 }));
  const arm = () => {
    isArmed = true;
  };
  return { clock, diary, faulty, worker, client, lines, arm };
}

for (const breaks of places) {
  test(`S2: a fault in ${breaks} ends the activation: others go on, its mail waits, the next owner takes it up`, async () => {
    const { clock, diary, faulty, worker, client, lines, arm } = stage(breaks);
    const first = await worker("first", faulty);
    const troupe = await client();
    const d = troupe.actor(diary, "d");
    await clock.runFor(d.ask.note(1));
    arm();
    // Whoever asked is told, and asks again where it is served; what may have been stored is said to be unknown.
    const asked = d.ask.note(2, { timeoutMs: 60_000 }).catch((thrown: { readonly code: string }) => thrown.code);
    await clock.runFor(breaks === "a turn that ends later" ? d.tell.slow(3) : d.tell.note(3));
    await clock.runFor(d.tell.note(4));
    let told: unknown;
    void asked.then((code) => {
      told = code;
    });
    await clock.advance(20_000);
    if (breaks === "what comes of a commit") expect(told).toBe("OUTCOME_UNKNOWN");
    expect(lines).toEqual([expect.stringMatching(/"actor":"diary.d".*a bug of ours.*by a fault of Troupe's own$/)]);
    await clock.runFor(troupe.actor(diary, "other").ask.note(1));
    expect(await clock.runFor(troupe.actor(diary, "other").ask.all())).toEqual([1]);
    await worker("second", diary);
    await clock.runFor(first.drain());
    await clock.advance(5_000);
    expect(await clock.runFor(asked)).toBe(breaks === "what comes of a commit" ? "OUTCOME_UNKNOWN" : undefined);
    const asks = breaks === "what comes of a commit" ? [] : [2];
    expect((await clock.runFor(d.ask.all())).toSorted()).toEqual([1, ...asks, 3, 4]);
    await clock.runFor(Promise.all([first.close(), troupe.close()]));
  });
}

test("S1, S2: what comes in while something is performed waits, and is let go with the rest when that throws", () => {
  const performed: string[] = [];
  const faults: unknown[] = [];
  let isBroken = false;
  const steps: CellSteps = new CellSteps({
    perform: (effect) => {
      performed.push(effect);
      if (effect !== "run-turn") return;
      steps.apply({ kind: "turn-ended", bytes: 1, isDirty: true });
      expect(steps.isStepping).toBe(true);
      performed.push("after the turn");
      if (isBroken) throw new Error("broken");
    },
    onSettled: () => void performed.push("settled"),
    onFault: (thrown) => void faults.push(thrown),
  });
  steps.apply({ kind: "loaded" });
  steps.apply({ kind: "mail" });
  expect(performed.splice(0)).toEqual(["settled", "run-turn", "after the turn", "commit", "settled"]);
  isBroken = true;
  steps.apply({ kind: "mail" });
  expect(performed.splice(0)).toEqual(["run-turn", "after the turn", "settled"]);
  expect(faults).toEqual([new Error("broken")]);
  expect([steps.now.phase, steps.isStepping]).toEqual(["gone", false]);
  steps.apply({ kind: "mail" });
  expect(performed).toEqual(["settled"]);
});
