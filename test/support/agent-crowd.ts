// Agents that talk to each other and remember it, each in a memory of its own and all in a shared one, and who checks from
// the logs that what is remembered is what took effect.

import { z } from "zod";
import type { TurnContext } from "../../src/actors/context.ts";
import { defineActor, handler } from "../../src/actors/definition.ts";
import { readSnapshot } from "../../src/actors/snapshot.ts";
import { AgentMemory } from "../../src/memory/agent-memory.ts";
import type { Entry } from "../../src/memory/entry.ts";
import type { MemoryStores } from "../../src/memory/memory-stores.ts";
import type { Scope } from "../../src/memory/scope.ts";

/** What all of a group share. */
export const groupOf = (id: string): Scope => ({ shared: `group-${Number(id.slice(1)) % groups}` });
export const everybody: Scope = { shared: "everybody" };
const groups = 3;
const entriesMax = 10_000;

const sayingSchema = z.object({
  /** Unlike any other. */
  name: z.string(),
  /** Whom it is passed on to, one after the other. */
  path: z.array(z.string()),
});
export type Saying = z.infer<typeof sayingSchema>;

const effectSchema = z.object({ id: z.string(), name: z.string(), wasAsked: z.boolean(), passed: z.boolean() });
type Effect = z.infer<typeof effectSchema>;

/** `state.done` is what took effect, in order. Of the tells every fifth fails the first time. */
export function talkerWith(tried = new Set<string>()) {
  const isUnlucky = (name: string, messageId: string) => {
    const isFirst = /[05]>*$/.test(name) && !tried.has(messageId);
    tried.add(messageId);
    return isFirst;
  };
  return defineActor(
    "talker",
    {
      state: z.object({ done: z.array(effectSchema) }),
      initial: { done: [] },
      memory: {
        scopes: (self) => [groupOf(self.id)],
        bring: { window: { tokens: 200 }, recall: { k: 2 }, facts: ["said"] },
        log: { text: (value) => (value as { name?: string }).name ?? String(value) },
      },
      retry: { attempts: 20, backoffMs: 5, backoffMsMax: 200 },
    },
    {
      say: handler(sayingSchema, (ctx, saying) => {
        take(ctx, saying, false);
        if (isUnlucky(saying.name, ctx.messageId)) throw new Error("not this time");
      }),
      answer: handler(sayingSchema, (ctx, saying) => take(ctx, saying, true)),
    },
  );
}

/** What others know it by. */
const mouth = defineActor("talker", { state: z.object({}), initial: {} }, { say: handler(sayingSchema, () => {}) });

function take(ctx: TurnContext<{ done: Effect[] }>, { name, path }: Saying, wasAsked: boolean): string {
  const [next, ...rest] = path;
  ctx.memory.append({ text: name, kind: "observation" }, { scope: groupOf(ctx.self.id) });
  if (next !== undefined) ctx.actor(mouth, next).tell.say({ name: `${name}>`, path: rest });
  ctx.memory.append({ text: name, kind: "observation" }, { scope: everybody });
  ctx.memory.mergeFact("said", 1, "sum", { scope: everybody });
  ctx.state.done.push({ id: ctx.messageId, name, wasAsked, passed: next !== undefined });
  return `done ${name}`;
}

interface Heard {
  readonly agent: string;
  readonly effect: Effect;
}

/** What each agent has done, from the values that are committed. */
export async function effectsOf(
  agents: readonly string[],
  read: (key: string) => Promise<Uint8Array | undefined>,
): Promise<readonly Heard[]> {
  const heard: Heard[] = [];
  for (const agent of agents) {
    const value = await read(`talker.${agent}`);
    if (value === undefined) continue;
    const { done } = readSnapshot(agent, value).state as { done: Effect[] };
    heard.push(...done.map((effect) => ({ agent, effect })));
  }
  return heard;
}

/** What is wrong with what they remember; nothing when all is as it took effect. */
export async function faultsOf(
  agents: readonly string[],
  heard: readonly Heard[],
  stores: MemoryStores,
): Promise<readonly string[]> {
  const memory = new AgentMemory(stores);
  const faults: string[] = [];
  const read = (scope: Scope) => memory.last(scope, entriesMax, []);
  for (const agent of agents) {
    const own = heard.filter((each) => each.agent === agent);
    const wanted = own.flatMap(({ effect }) => entriesWanted(effect));
    const entries = (await read({ agent: { type: "talker", id: agent } })).map(briefOf);
    if (entries.join("\n") !== wanted.join("\n")) {
      faults.push(`${agent} remembers\n${entries.join("\n")}\nand it did\n${wanted.join("\n")}`);
    }
  }
  const shared = [everybody, ...Array.from({ length: groups }, (_, at) => groupOf(`a${at}`))];
  for (const scope of shared) {
    const members = scope === everybody ? agents : agents.filter((id) => groupOf(id).shared === scope.shared);
    const entries = (await read(scope)).map(briefOf);
    const ofMembers = heard.filter(({ agent }) => members.includes(agent));
    const wanted = ofMembers.map(({ effect }) => `${effect.id} assistant ${effect.name}`);
    if (entries.toSorted().join("\n") !== wanted.toSorted().join("\n")) {
      faults.push(
        `${scope.shared} has ${entries.length} entries of ${new Set(entries).size} kinds, not ${wanted.length}`,
      );
    }
    // Each member's in its order, whoever wrote in between.
    for (const agent of members) {
      const ids = new Set(ofMembers.filter((each) => each.agent === agent).map(({ effect }) => effect.id));
      const order = entries.map((entry) => entry.slice(0, entry.indexOf(" "))).filter((id) => ids.has(id));
      if (order.join() !== [...ids].join()) faults.push(`${scope.shared}: ${agent} wrote ${order.join()}`);
    }
  }
  const said = (await memory.facts([everybody], ["said"], [])).get("said")?.value ?? 0;
  if (said !== heard.length) faults.push(`the fact says ${JSON.stringify(said)} sayings, there were ${heard.length}`);
  return faults;
}

function entriesWanted({ id, name, wasAsked, passed }: Effect): readonly string[] {
  const role = name.includes(">") ? "talker" : "user";
  return [
    `${id} ${role} ${name}`,
    ...(passed ? [`${id} assistant ${name}>`] : []),
    ...(wasAsked ? [`${id} assistant done ${name}`] : []),
  ];
}

const briefOf = ({ cause, role, text }: Entry) => `${cause ?? "no cause"} ${role} ${text}`;

/** Sayings that a seed decides: who is told or asked what, and whom it is passed on to. */
export function sayingsOf(
  random: () => number,
  agents: readonly string[],
  count: number,
): readonly { readonly to: string; readonly verb: "tell" | "ask"; readonly saying: Saying }[] {
  const anyAgent = () => agents[Math.floor(random() * agents.length)] ?? "a0";
  return Array.from({ length: count }, (_, at) => ({
    to: anyAgent(),
    verb: random() < 0.3 ? ("ask" as const) : ("tell" as const),
    saying: { name: `s${at}`, path: Array.from({ length: Math.floor(random() * 3) }, anyAgent) },
  }));
}
