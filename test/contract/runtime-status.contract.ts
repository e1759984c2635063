// The statuses of agents that the runtime keeps in the central state store, for actors that are defined with `status`.

import { expect, test } from "vitest";
import { z } from "zod";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import { TroupeError } from "../../src/core/errors.ts";
import type { KvStore } from "../../src/kv/store.ts";
import type { AgentActivity } from "../../src/memory/state-agent.ts";
import { agentStatus, agentStatusId } from "../../src/memory/state-agent.ts";
import { writeAgentStatus } from "../../src/memory/state-agent-write.ts";
import type { State } from "../../src/memory/state-value.ts";
import type { Troupe } from "../../src/runtime/client.ts";
import { settleMs } from "../../src/runtime/status-keeper.ts";
import { within } from "./mail-support.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import { committedState, eventOf, Gate, rejection, Stage } from "./runtime-support.ts";

type Seen = State<keyof typeof agentStatus.transitions, AgentActivity>;
const log = z.object({ done: z.array(z.string()) });
const idOf = (type: string, id: string) => agentStatusId({ type, id });

/** Agents that wait where they are told to, and one whose status nobody keeps. */
function agents() {
  const gates = new Map<string, Gate>();
  const gate = (name: string): Gate => {
    const known = gates.get(name) ?? new Gate();
    gates.set(name, known);
    return known;
  };
  const plain = { state: log, initial: () => ({ done: [] as string[] }) };
  const options = { ...plain, status: true };
  const agent = defineActor(
    "agent",
    // Long enough for that wait to settle and to be written, whatever the machine is at.
    { ...options, retry: { attempts: 2, backoffMs: 3_000, backoffMsMax: 3_000 } },
    {
      quick: handler(z.string(), (ctx, text) => ctx.state.done.push(text)),
      work: handler(z.string(), async (ctx, name) => {
        await gate(name).pass();
        ctx.state.done.push(name);
      }),
      askFor: handler(z.string(), async (ctx, name): Promise<void> => {
        await ctx.actor(agent, "other").ask.work(name);
        ctx.state.done.push(`asked ${name}`);
      }),
      fail: handler((): void => {
        throw new RangeError("not today");
      }),
      look: query((ctx) => ctx.state.done),
    },
  );
  const fragile = defineActor(
    "fragile",
    { ...options, retry: { attempts: 1 }, onFailure: "stop" },
    {
      fail: handler((): void => {
        throw new RangeError("not today");
      }),
    },
  );
  const shy = defineActor("shy", plain, { quick: handler(z.string(), (ctx, text) => ctx.state.done.push(text)) });
  return { agent, fragile, shy, all: [agent, fragile, shy], gate };
}

const isNotIdle = ({ status }: Seen) => status !== "idle";

/** The first status of an agent that fits, from what stands now on. */
async function statusOf(troupe: Troupe, id: string, fits: (seen: Seen) => boolean): Promise<Seen> {
  const stop = new AbortController();
  const states = await troupe.states();
  const look = async () => {
    for await (const news of states.of(agentStatus).watch({ id, signal: stop.signal })) {
      if (news.kind === "changed" && fits(news.state)) return news.state;
    }
    throw new Error("the watch ended");
  };
  return within(`a status of ${id}`, look()).finally(() => stop.abort());
}

const historyOf = async (troupe: Troupe, id: string): Promise<string> => {
  const changes = await (await troupe.states()).of(agentStatus).history(id);
  return changes.map((change) => (change.kind === "changed" ? change.state.status : "gone")).join(" ");
};

/** The first number for which `act` was over, each of the times, before a status settles: of a slower one it is written (S2). */
async function quicklyDone(times: number, act: (number: number) => Promise<unknown>): Promise<number> {
  for (let number = 1; ; number += 1) {
    let longestMs = 0;
    let lastMs = performance.now();
    for (let time = 0; time < times; time += 1) {
      await act(number);
      longestMs = Math.max(longestMs, performance.now() - lastMs);
      lastMs = performance.now();
    }
    if (longestMs < settleMs) return number;
  }
}

export function runtimeStatusContract(name: string, open: OpenRuntime): void {
  test(`${name}: an agent works while its turn does, and is idle when what it led to is stored; who, why and when stand there`, async () => {
    await using stage = await Stage.open(open);
    const { agent, all, gate } = agents();
    const { client } = await stage.both(all);
    const id = idOf("agent", "a");
    const working = statusOf(client, id, ({ status }) => status === "working");
    const told = client.actor(agent, "a").tell.work("letter");
    await gate("letter").reached;
    const seen = await working;
    const { sequence } = await told;
    expect(seen).toMatchObject({ actor: "agent.a", data: { task: "work", epoch: expect.any(Number) } });
    expect(seen.cause).toEqual(expect.any(String));
    expect(sequence).toBeGreaterThan(0);
    gate("letter").open();
    const idle = await statusOf(client, id, ({ status }) => status === "idle");
    expect(idle.changedAtMs).toBeGreaterThanOrEqual(seen.changedAtMs);
    expect(idle.cause).toBe(seen.cause);
    expect(await historyOf(client, id)).toBe("idle working idle");
  });

  test(`${name}: what lasts only a moment is not written, and the latest is what is (S1, S2)`, async () => {
    await using stage = await Stage.open(open);
    const { agent, all, gate } = agents();
    const { client } = await stage.both(all);
    const number = await quicklyDone(20, (at) => client.actor(agent, `a${at}`).ask.quick("q"));
    const [id, a] = [idOf("agent", `a${number}`), client.actor(agent, `a${number}`)];
    const working = statusOf(client, id, isNotIdle);
    const asked = a.ask.work("long");
    expect(await working).toMatchObject({ status: "working", number: 2, data: { task: "work" } });
    gate("long").open();
    await asked;
    await statusOf(client, id, ({ status }) => status === "idle");
    expect(await historyOf(client, id)).toBe("idle working idle");
  });

  test(`${name}: an agent whose turn waits for an answer is waiting, and says for whose`, async () => {
    await using stage = await Stage.open(open);
    const { agent, all, gate } = agents();
    const { client } = await stage.both(all);
    const id = idOf("agent", "a");
    const waiting = statusOf(client, id, isNotIdle);
    const asked = client.actor(agent, "a").ask.askFor("deed");
    expect(await waiting).toMatchObject({ status: "waiting", data: { task: "asks agent.work" }, event: "wait" });
    expect(await statusOf(client, idOf("agent", "other"), isNotIdle)).toMatchObject({ status: "working" });
    gate("deed").open();
    await asked;
    await statusOf(client, id, ({ status }) => status === "idle");
    // It works before and after, for a moment, which a slow machine may make long enough to be written (S2).
    expect(await historyOf(client, id)).toMatch(/^idle waiting (working )?idle$/);
  });

  test(`${name}: one whose message failed waits for the next attempt, has failed when it is given up on, and works again after that`, async () => {
    await using stage = await Stage.open(open);
    const { agent, all, gate } = agents();
    const { client } = await stage.both(all);
    const id = idOf("agent", "a");
    const waiting = statusOf(client, id, isNotIdle);
    await client.actor(agent, "a").tell.fail();
    const failure = { code: "HANDLER_FAILED", message: expect.stringContaining("not today") };
    expect(await waiting).toMatchObject({ status: "waiting", data: { task: "tries fail again", failure } });
    const failed = await statusOf(client, id, ({ status }) => status === "failed");
    expect(failed.data).toMatchObject({ task: "fail", failure });
    const working = statusOf(client, id, ({ status }) => status === "working");
    await client.actor(agent, "a").tell.work("again");
    expect((await working).data).toEqual({ task: "work", epoch: expect.any(Number) });
    gate("again").open();
    await statusOf(client, id, ({ status }) => status === "idle");
    // The second attempt is written too where it takes long (S2).
    expect(await historyOf(client, id)).toMatch(/^idle waiting (working )?failed working idle$/);
  });

  test(`${name}: an ask that fails is its asker's to deal with: the agent is idle`, async () => {
    await using stage = await Stage.open(open);
    const { agent, all, gate } = agents();
    const { client } = await stage.both(all);
    const fail = (at: number) => rejection(client.actor(agent, `a${at}`).ask.fail(), "HANDLER_FAILED");
    const number = await quicklyDone(1, fail);
    const a = client.actor(agent, `a${number}`);
    const asked = a.ask.work("after");
    const id = idOf("agent", `a${number}`);
    await statusOf(client, id, ({ status }) => status === "working");
    gate("after").open();
    await asked;
    await statusOf(client, id, ({ status }) => status === "idle");
    expect(await historyOf(client, id)).toBe("idle working idle");
  });

  test(`${name}: one that was stopped says why, and is idle when it is resumed`, async () => {
    await using stage = await Stage.open(open);
    const { agent, fragile, all, gate } = agents();
    const { client } = await stage.both(all);
    const id = idOf("fragile", "f");
    await client.actor(fragile, "f").tell.fail();
    const stopped = await statusOf(client, id, ({ status }) => status === "stopped");
    expect(stopped.data.failure).toMatchObject({ code: "HANDLER_FAILED" });
    // It stays so for as long as another takes to be seen at work.
    void client.actor(agent, "other").tell.work("meanwhile");
    await statusOf(client, idOf("agent", "other"), ({ status }) => status === "working");
    gate("meanwhile").open();
    expect((await statusOf(client, id, () => true)).status).toBe("stopped");
    await client.actor(fragile, "f").resume({ skip: true });
    expect((await statusOf(client, id, ({ status }) => status === "idle")).event).toBe("resume");
  });

  test(`${name}: what a dead worker left as working is put right by the next owner, under its own epoch (L1)`, async () => {
    await using stage = await Stage.open(open);
    const { agent, all } = agents();
    const workers = [await stage.worker(all), await stage.worker(all)];
    const client = await stage.client();
    const id = idOf("agent", "a");
    const isAgent = ({ actor }: { readonly actor: { readonly type: string } }) => actor.type === "agent";
    const serving = Promise.race(workers.map((worker) => eventOf(worker, "activated", isAgent).then(() => worker)));
    // An ask leaves nothing in the mail, and who asked is gone: nobody would come by.
    const asker = await stage.client();
    asker
      .actor(agent, "a")
      .ask.work("never")
      .catch(() => undefined);
    const left = await statusOf(client, id, ({ status }) => status === "working");
    await asker.close();
    await (await serving).close();
    const right = await statusOf(client, id, ({ status }) => status === "idle");
    expect(right.data.epoch).toBeGreaterThan(left.data.epoch ?? 0);
    expect(right.data.task).toBeUndefined();
  });

  test(`${name}: nor does one stay busy whom a former owner calls so late; and who is busy stays so (L1, S4)`, async () => {
    await using stage = await Stage.open(open);
    const { agent, all, gate } = agents();
    const { client } = await stage.both(all);
    const [idle, busy] = [idOf("agent", "idle"), idOf("agent", "busy")];
    const asked = client.actor(agent, "busy").ask.work("on");
    const working = await statusOf(client, busy, ({ status }) => status === "working");
    const states = await client.states("late");
    const late = { status: "waiting", data: { task: "long ago", epoch: 0 } } as const;
    expect(await writeAgentStatus(states, busy, late, {})).toBe("fenced");
    expect(await writeAgentStatus(states, idle, late, {})).toBe("written");
    expect((await statusOf(client, idle, ({ data }) => data.epoch !== 0)).status).toBe("idle");
    expect((await states.of(agentStatus).get(busy))?.number).toBe(working.number);
    gate("on").open();
    await asked;
  });

  test(`${name}: one whose value cannot be read keeps no other from being put right (L1)`, async () => {
    await using stage = await Stage.open(open);
    const { all } = agents();
    const { client } = await stage.both(all);
    const [broken, idle] = [idOf("agent", "broken"), idOf("agent", "idle")];
    await client.ports.state.put(broken, Buffer.from("no snapshot"));
    const states = await client.states("late");
    const late = { status: "waiting", data: { task: "long ago", epoch: 0 } } as const;
    expect(await writeAgentStatus(states, broken, late, {})).toBe("written");
    expect(await writeAgentStatus(states, idle, late, {})).toBe("written");
    expect((await statusOf(client, idle, ({ data }) => data.epoch !== 0)).status).toBe("idle");
  });

  test(`${name}: a store that is down costs statuses, no turns; when it is back the right one is written (S3)`, async () => {
    await using stage = await Stage.open(open);
    const { agent, all, gate } = agents();
    let isDown = true;
    let refused = Promise.withResolvers<void>();
    const whenUp = <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
      if (!isDown) return ask();
      refused.resolve();
      return Promise.reject(new TroupeError("SERVER_UNREACHABLE", "the store is away"));
    };
    const ports = stage.portsBehindCentral((central) => ({
      get: (key) => whenUp(() => central.get(key)),
      update: (...of) => whenUp(() => central.update(...of)),
      create: (...of) => whenUp(() => central.create(...of)),
    }));
    const worker = await stage.worker(all, ports);
    const client = await stage.client();
    const a = client.actor(agent, "a");
    const first = a.ask.work("first");
    await within("a status is refused", refused.promise);
    gate("first").open();
    await first;
    expect(await a.ask.quick("meanwhile")).toBe(2);
    const second = eventOf(worker, "turn-ended", ({ method }) => method === "askFor");
    await a.tell.askFor("second");
    await gate("second").reached;
    refused = Promise.withResolvers();
    await within("a status is refused again", refused.promise);
    isDown = false;
    const seen = await statusOf(client, idOf("agent", "a"), isNotIdle);
    expect(seen).toMatchObject({ status: "waiting", number: 2, data: { task: "asks agent.work" } });
    gate("second").open();
    await second;
    await statusOf(client, idOf("agent", "a"), ({ status }) => status === "idle");
  });

  test(`${name}: a worker that is drained leaves its agents idle, without waiting for that to settle`, async () => {
    await using stage = await Stage.open(open);
    const { agent, all, gate } = agents();
    const { worker, client } = await stage.both(all);
    const id = idOf("agent", "a");
    const asked = client.actor(agent, "a").ask.work("last");
    await statusOf(client, id, ({ status }) => status === "working");
    gate("last").open();
    await asked;
    await worker.drain();
    expect((await (await client.states()).of(agentStatus).get(id))?.status).toBe("idle");
  });

  test(`${name}: nobody opens the store, and nothing is written, for actors that are not defined so`, async () => {
    await using stage = await Stage.open(open);
    const { shy, agent, gate } = agents();
    const opened: KvStore[] = [];
    const ports = stage.portsBehindCentral((central) => {
      opened.push(central);
      return {};
    });
    const alone = await stage.worker([shy], ports);
    await alone.actor(shy, "s").ask.quick("one");
    await alone.drain();
    expect(opened).toEqual([]);
    // Beside one whose status is kept.
    const { client } = await stage.both([shy, agent]);
    await client.actor(shy, "s").tell.quick("two");
    await committedState(client.actor(shy, "s"), ({ done }) => done.length === 2);
    const asked = client.actor(agent, "a").ask.work("seen");
    await statusOf(client, idOf("agent", "a"), ({ status }) => status === "working");
    const { states: all } = await (await client.states()).of(agentStatus).query();
    expect(all.map(({ id }) => id)).toEqual(["agent.a"]);
    gate("seen").open();
    await asked;
  });
}
