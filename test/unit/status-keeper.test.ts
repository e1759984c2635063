// What an actor is doing, and how the keeper of statuses writes it: on simulated time, over a store that counts.

import { describe, expect, test } from "vitest";
import type { Activity, ActivityInput, Cause } from "../../src/actors/activity.ts";
import { nextActivity, resting } from "../../src/actors/activity.ts";
import type { Message } from "../../src/actors/message.ts";
import { silentLogger } from "../../src/core/log.ts";
import { openMemoryStore } from "../../src/kv/memory-store.ts";
import { agentStatus } from "../../src/memory/state-agent.ts";
import type { AgentStatus } from "../../src/memory/state-agent-write.ts";
import { toward, writeAgentStatus } from "../../src/memory/state-agent-write.ts";
import { openStateStore } from "../../src/memory/state-store.ts";
import { createSimulatedClock } from "../../src/runtime/simulated-clock.ts";
import { StatusKeeper, settleMs } from "../../src/runtime/status-keeper.ts";

const message = (method: string) => ({ kind: "tell", method, messageId: `m-${method}` }) as Message;
const failure = { code: "HANDLER_FAILED", message: "not today" };
const doing = (...inputs: ActivityInput[]) => inputs.reduce(nextActivity, resting);
const begun = (method: string): ActivityInput => ({ kind: "turn-begun", message: message(method) });
const asking = (whom: string): ActivityInput => ({ kind: "asking", whom });
const rested: ActivityInput = { kind: "rested" };

describe("what an actor is doing", () => {
  test.for<[string, AgentStatus, string | undefined, readonly ActivityInput[]]>([
    ["a turn", "working", "add", [begun("add")]],
    ["a turn that has ended", "idle", undefined, [begun("add"), rested]],
    ["an ask", "waiting", "asks b.c", [begun("add"), asking("b.c")]],
    [
      "two asks, one answered",
      "waiting",
      "asks b.d",
      [begun("add"), asking("b.c"), asking("b.d"), { kind: "answered" }],
    ],
    ["an answer", "working", "add", [begun("add"), asking("b.c"), { kind: "answered" }]],
    [
      "an answer that comes when the turn is over",
      "idle",
      undefined,
      [begun("add"), asking("b.c"), rested, { kind: "answered" }],
    ],
    ["an ask of no turn", "idle", undefined, [asking("b.c")]],
    [
      "a backoff",
      "waiting",
      "tries add again",
      [begun("add"), { kind: "postponed", message: message("add"), failure }],
    ],
    [
      "a dead letter (A2)",
      "failed",
      "add",
      [begun("add"), { kind: "given-up", message: message("add"), failure }, rested],
    ],
    ["the turn after it", "working", "next", [{ kind: "given-up", message: message("add"), failure }, begun("next")]],
    ["a stop", "stopped", undefined, [begun("add"), { kind: "stopped", failure }, rested]],
  ])("%s: %s", ([, status, task, inputs]) => {
    const now = doing(...inputs);
    expect([now.status, now.task]).toEqual([status, task]);
  });

  test("what it rests with keeps nothing of the message but its names", () => {
    const { cause } = doing({ kind: "turn-begun", message: { ...message("add"), payload: new Uint8Array(9) } }, rested);
    expect(Object.keys(cause as Cause).sort()).toEqual(["messageId", "method", "trace", "turnTrace"]);
  });
});

test("G2: from each status a way of events of the table leads to each other one", () => {
  const statuses = Object.keys(agentStatus.transitions) as AgentStatus[];
  for (const from of statuses) {
    for (const to of statuses.filter((status) => status !== from)) {
      let [at, steps] = [from, 0];
      for (; at !== to; steps += 1) at = toward(at, to).target;
      expect([from, to, steps]).toEqual([from, to, from === "stopped" && to !== "idle" ? 2 : 1]);
    }
  }
});

test("G1, G2: what is written goes by events, and not over the status of a later ownership", async () => {
  await using kv = await openMemoryStore({ bucket: "central", history: 8 });
  const store = openStateStore({ kv, actor: "a.1" });
  const write = (status: AgentStatus, epoch: number) => writeAgentStatus(store, "a.1", { status, data: { epoch } }, {});
  expect(await write("stopped", 2)).toBe("written");
  expect(await write("working", 2)).toBe("written");
  expect(await write("working", 2)).toBe("unchanged");
  expect(await write("idle", 1)).toBe("fenced");
  expect(await write("working", 3)).toBe("written");
  const events = (await store.of(agentStatus).history("a.1")).map((change) =>
    change.kind === "changed" ? change.state.event : change.kind,
  );
  expect(events).toEqual([undefined, "stop", "resume", "start", undefined]);
});

/** A keeper on simulated time; the store answers when the test says so. */
async function keeperOn(standing: (key: string) => AgentStatus | undefined = () => "idle") {
  const clock = createSimulatedClock({ seed: 1 });
  let [underWay, most, rooms] = [0, 0, 0];
  let barrier: Promise<void> | undefined;
  const owner = { epoch: 1, isOwner: true };
  const kv = await openMemoryStore({ bucket: "central", history: 64 });
  const states = openStateStore({ kv, clock });
  const keeper = new StatusKeeper({
    ...{ clock, log: silentLogger, standing },
    onRoom: () => {
      rooms += 1;
    },
    statesOf: async (key) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await barrier;
      underWay -= 1;
      return states.by(key);
    },
  });
  const statuses = async (key: string) =>
    (await states.of(agentStatus).history(key)).map((change) => (change.kind === "changed" ? change.state.status : ""));
  return {
    ...{ clock, keeper, owner, states, statuses },
    get most() {
      return most;
    },
    get rooms() {
      return rooms;
    },
    hold: () => {
      const held = Promise.withResolvers<void>();
      barrier = held.promise;
      return held.resolve;
    },
    note: (key: string, activity: Activity) => keeper.note(key, owner, activity),
    pass: (ms: number) => clock.advance(ms),
  };
}

const working = (task: string): Activity => ({ status: "working", task });

describe("the keeper of statuses", () => {
  test("S1: one write of an actor at a time, and then the latest", async () => {
    const on = await keeperOn();
    const release = on.hold();
    on.note("a.1", working("one"));
    await on.pass(settleMs * 2);
    for (const task of ["two", "three", "four"]) {
      on.note("a.1", working(task));
      await on.pass(settleMs * 2);
    }
    expect(on.most).toBe(1);
    release();
    await on.pass(settleMs * 2);
    expect(await on.statuses("a.1")).toEqual(["idle", "working", "working"]);
  });

  test("S2: what lasts shorter than it takes to settle is not written; what never settles is, now and then", async () => {
    const on = await keeperOn();
    on.note("a.1", working("short"));
    await on.pass(settleMs - 100);
    on.note("a.1", resting);
    await on.pass(5_000);
    expect(await on.statuses("a.1")).toEqual([]);
    expect(on.keeper.has("a.1")).toBe(false);
    for (let at = 0; at < 50; at += 1) {
      on.note("b.1", at % 2 === 0 ? working("flicker") : resting);
      await on.pass(110);
    }
    const count = (await on.statuses("b.1")).length;
    expect(count).toBeGreaterThan(1);
    expect(count).toBeLessThan(8);
  });

  test("who, why, when and in which trace stand with a status", async () => {
    const on = await keeperOn();
    const trace = "0af7651916cd43dd8448eb211c80319c";
    const cause = { messageId: "m-1", method: "one", trace: undefined, turnTrace: `00-${trace}-b7ad6b7169203331-01` };
    on.note("a.1", { ...working("one"), cause });
    await on.pass(settleMs * 2);
    const state = await on.states.of(agentStatus).get("a.1");
    expect(state).toMatchObject({
      status: "working",
      data: { task: "one", epoch: 1 },
      cause: "m-1",
      actor: "a.1",
      trace,
    });
    expect(state?.changedAtMs).toBeLessThanOrEqual(on.clock.now());
    expect(state?.changedAtMs).toBeGreaterThanOrEqual(on.clock.now() - settleMs);
  });

  test("S4: nothing busy is written when the lease is over", async () => {
    const on = await keeperOn();
    on.note("a.1", working("one"));
    on.owner.isOwner = false;
    await on.pass(5_000);
    expect(await on.statuses("a.1")).toEqual([]);
    expect(on.keeper.has("a.1")).toBe(false);
  });

  test("S5: beyond its bound it takes no more, and says when there is room again", async () => {
    const on = await keeperOn(() => "idle");
    for (let at = 0; at < 16_384; at += 1) on.note(`a.${at}`, resting);
    on.note("late.1", working("one"));
    expect(on.keeper.has("late.1")).toBe(false);
    expect(on.rooms).toBe(0);
    await on.pass(settleMs * 2);
    expect(on.rooms).toBe(1);
    on.note("late.1", working("one"));
    expect(on.keeper.has("late.1")).toBe(true);
    on.keeper.close();
  });

  test("drained, it writes at once what holds, and closed nothing any more", async () => {
    const on = await keeperOn(() => "working");
    on.note("a.1", resting);
    const never = new AbortController();
    await on.clock.runFor(on.keeper.drain(never.signal));
    expect(await on.statuses("a.1")).toEqual(["idle"]);
    on.keeper.close();
    on.note("a.1", working("late"));
    await on.pass(5_000);
    expect(await on.statuses("a.1")).toEqual(["idle"]);
  });
});
