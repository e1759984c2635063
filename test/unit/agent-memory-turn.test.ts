// One turn of an actor that remembers: what it leaves in the log, in which order, and what it is brought.

import { expect, test } from "vitest";
import { z } from "zod";
import type { TurnContext } from "../../src/actors/context.ts";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import type { MemoryInTurn } from "../../src/actors/memory-context.ts";
import { loggedLengthMax, shortName } from "../../src/actors/memory-log.ts";
import type { MemoryOptions } from "../../src/actors/memory-options.ts";
import type { Sending, TurnOutcome } from "../../src/actors/turn.ts";
import type { MemoryServices } from "../../src/actors/turn-memory.ts";
import type { Fact } from "../../src/memory/fact.ts";
import type { MemoryReads } from "../../src/memory/memory-reads.ts";
import type { NamedWrite } from "../../src/memory/memory-write.ts";
import { TurnHarness } from "./turn-harness.ts";

const other = defineActor("other", { state: z.object({}), initial: {} }, { see: handler(z.unknown(), () => {}) });
type Ctx = TurnContext<{ n: number }>;

function actorWith(memory: MemoryOptions | undefined, run: (ctx: Ctx, input: unknown) => unknown) {
  const options = { state: z.object({ n: z.number() }), initial: { n: 0 } };
  return defineActor("a", memory === undefined ? options : { ...options, memory }, {
    go: handler(z.unknown(), run),
    end: handler((ctx: Ctx) => run(ctx, undefined)),
    look: query((ctx) => void (ctx.memory as unknown as MemoryInTurn).append({ text: "from a query" })),
    peek: query((ctx) => ctx.memory.read()),
  });
}

/** A memory that remembers which of it was read, in order. */
class Reads {
  readonly calls: string[] = [];
  eras: Record<string, { entries: number; facts: number }> = {};
  unwritten: readonly NamedWrite[] = [];

  services(): MemoryServices {
    const note = <Found>(call: string, found: Found) => {
      this.calls.push(call);
      return Promise.resolve(found);
    };
    const reads: MemoryReads = {
      eras: (scopes) =>
        note(
          `eras ${scopes.join()}`,
          new Map(scopes.map((scope) => [scope, this.eras[scope] ?? { entries: 1, facts: 1 }])),
        ),
      window: (_scope, tokens, writes) => note(`window ${tokens} over ${writes.length}`, []),
      last: (_scope, count, writes) => note(`last ${count} over ${writes.length}`, []),
      facts: (scopes, names, writes) =>
        note(`facts ${String(names)} of ${scopes.length} over ${writes.length}`, new Map<string, Fact>()),
      recall: ({ query: text, scopes }, writes) => note(`recall ${text} of ${scopes.length} over ${writes.length}`, []),
    };
    return { reads, unwritten: () => this.unwritten, untilRead: (read) => read() };
  }
}

async function runOn(
  definition: unknown,
  method: string,
  input: unknown,
  reads = new Reads(),
  verb: "ask" | "tell" = "ask",
): Promise<TurnOutcome> {
  const harness = new TurnHarness(definition, reads.services());
  return harness.run(method, input, { n: 0 }, verb);
}

const sendingsOf = (outcome: TurnOutcome): readonly Sending[] => {
  if (outcome.kind === "failed") throw outcome.error;
  return outcome.sendings;
};
const brief = (outcome: TurnOutcome) =>
  sendingsOf(outcome).map((sending) => {
    if ("memory" in sending) {
      const { memory } = sending;
      return memory.fact === undefined
        ? `${memory.in} ${memory.entry.role}: ${memory.entry.text}`
        : `${memory.in} ${memory.change.kind} ${memory.fact}`;
    }
    return "to" in sending ? `to ${sending.to}` : `timer ${sending.timer}`;
  });

test("G1: the log has the message, what was written and told, and the answer, in the order of what happened", async () => {
  const actor = actorWith({}, (ctx) => {
    ctx.memory.append({ text: "first", kind: "observation", role: "system" });
    ctx.actor(other, "x").tell.see({ text: "hello x" });
    ctx.memory.setFact("plan", "basic");
    ctx.memory.append({ text: "there", speaker: "Z" }, { scope: { shared: "all" } });
    return { message: "bye" };
  });
  expect(brief(await runOn(actor, "go", { content: "hi" }))).toEqual([
    "agent.a.a user: hi",
    "agent.a.a system: first",
    "to other.x",
    "agent.a.a assistant: hello x",
    "agent.a.a set plan",
    "shared.all assistant: there",
    "agent.a.a assistant: bye",
  ]);
});

test("G2: every entry and fact names the message as its cause", async () => {
  const actor = actorWith({}, (ctx) => {
    ctx.memory.append({ text: "x" });
    ctx.memory.deleteFact("plan");
    ctx.memory.mergeFact("seen", 1, "sum", { by: "me" });
  });
  const causes = sendingsOf(await runOn(actor, "go", "hi")).map((sending) => {
    if (!("memory" in sending)) return "";
    const { memory } = sending;
    return memory.fact === undefined ? memory.entry.cause : memory.change.options?.cause;
  });
  expect(causes).toEqual(["m1", "m1", "m1", "m1"]);
  const long = `${"x".repeat(300)}:7`;
  expect(shortName(long)).toHaveLength(256);
  expect(shortName(long)).not.toBe(shortName(`${"x".repeat(300)}:8`));
});

test("what is logged is what the definition says", async () => {
  const say = (ctx: Ctx) => {
    ctx.actor(other, "x").tell.see("told");
    return "answered";
  };
  const logs = async (log: MemoryOptions["log"], method = "go") =>
    brief(
      await runOn(
        actorWith({ ...(log === undefined ? {} : { log }) }, say),
        method,
        method === "go" ? "hi" : undefined,
      ),
    );
  expect(await logs(false)).toEqual(["to other.x"]);
  expect(await logs({ received: false, sent: false })).toEqual(["to other.x", "agent.a.a assistant: answered"]);
  expect(await logs({ replies: false, sent: false })).toEqual(["agent.a.a user: hi", "to other.x"]);
  expect(await logs({ methods: ["end"] })).toEqual(["to other.x"]);
  expect(await logs({ text: (value) => (value === "hi" ? undefined : `<${String(value)}>`), sent: false })).toEqual([
    "to other.x",
    "agent.a.a assistant: <answered>",
  ]);
  // A message without an argument is told by its method.
  expect((await logs({ sent: false }, "end"))[0]).toBe("agent.a.a user: end");
  await expect(logs({ text: () => 5 as unknown as string })).rejects.toMatchObject({ code: "ENTRY_INVALID" });
});

test("a tell is answered nobody: what its handler returns is not logged; nothing is for nothing", async () => {
  expect(
    brief(
      await runOn(
        actorWith({}, () => "unheard"),
        "go",
        "hi",
        new Reads(),
        "tell",
      ),
    ),
  ).toEqual(["agent.a.a user: hi"]);
  expect(
    brief(
      await runOn(
        actorWith({}, () => {}),
        "go",
        "hi",
      ),
    ),
  ).toEqual(["agent.a.a user: hi"]);
});

test("a long payload is cut where it is logged by itself", async () => {
  const [first] = sendingsOf(
    await runOn(
      actorWith({}, () => {}),
      "go",
      "ä".repeat(30_000),
    ),
  );
  const text =
    first !== undefined && "memory" in first && first.memory.fact === undefined ? first.memory.entry.text : "";
  expect([text.length, text.at(-1)]).toEqual([loggedLengthMax, "…"]);
});

test("U1: a turn that throws logs nothing and writes nothing", async () => {
  const outcome = await runOn(
    actorWith({}, (ctx) => {
      ctx.memory.append({ text: "x" });
      throw new Error("no");
    }),
    "go",
    "hi",
  );
  expect(outcome).toMatchObject({ kind: "failed", error: { code: "HANDLER_FAILED" } });
  expect(outcome).not.toHaveProperty("sendings");
});

test("N2: a scope's era is read before the scope is, and for a scope that was not read when the handler has ended", async () => {
  const reads = new Reads();
  reads.eras = { "agent.a.a": { entries: 4, facts: 5 }, "shared.all": { entries: 7, facts: 8 } };
  const bring = { window: { tokens: 50 }, recall: {}, facts: ["plan"] };
  const actor = actorWith({ bring, scopes: [{ shared: "team" }] }, async (ctx) => {
    reads.calls.push("handler");
    ctx.memory.append({ text: "x" }, { scope: { shared: "all" } });
    ctx.memory.setFact("f", 1, { scope: { shared: "all" } });
    await ctx.memory.read({ last: 3 });
  });
  const sendings = sendingsOf(await runOn(actor, "go", "what is my plan?", reads));
  expect(reads.calls).toEqual([
    "eras agent.a.a,shared.team",
    "window 50 over 0",
    "recall what is my plan? of 2 over 0",
    "facts plan of 2 over 0",
    "handler",
    "last 3 over 2",
    "eras shared.all",
  ]);
  expect(sendings.map((sending) => ("memory" in sending ? [sending.memory.in, sending.memory.era] : []))).toEqual([
    ["agent.a.a", 4],
    ["shared.all", 7],
    ["shared.all", 8],
  ]);
});

test("N3: reads see what the turns before have left for the store, and what this turn has written", async () => {
  const reads = new Reads();
  reads.unwritten = [{ id: "a.a:1", write: { in: "agent.a.a", entry: { text: "before" } } }];
  const actor = actorWith({ bring: { window: { tokens: 9 } } }, async (ctx) => {
    await ctx.memory.recall("x");
    ctx.memory.append({ text: "now" });
    await ctx.memory.fact("plan");
  });
  await runOn(actor, "go", "hi", reads);
  expect(reads.calls.filter((call) => !call.startsWith("eras"))).toEqual([
    "window 9 over 1",
    "recall x of 1 over 1",
    "facts plan of 1 over 2",
  ]);
});

test("without anything to bring nothing is read before the handler runs; a query leaves nothing and waits for nothing", async () => {
  const reads = new Reads();
  await runOn(
    actorWith({ log: false }, () => {}),
    "go",
    "hi",
    reads,
  );
  expect(reads.calls).toEqual([]);
  expect(
    new TurnHarness(
      actorWith({}, () => {}),
      reads.services(),
    ).run("look"),
  ).toMatchObject({
    kind: "failed",
    error: { code: "QUERY_CHANGED_STATE" },
  });
  expect(
    sendingsOf(
      await runOn(
        actorWith({}, () => {}),
        "peek",
        undefined,
        reads,
      ),
    ),
  ).toEqual([]);
  expect(reads.calls).toEqual(["eras agent.a.a", "last 100 over 0"]);
});

test("P10: what memory cannot take is refused where it is written, with a code", async () => {
  const codeOf = async (write: (ctx: Ctx) => void) => {
    const outcome = await runOn(actorWith({}, write), "go", "hi");
    return outcome.kind === "failed" ? outcome.error.code : "ok";
  };
  expect(await codeOf((ctx) => ctx.memory.append({ text: 5 as unknown as string }))).toBe("ENTRY_INVALID");
  expect(await codeOf((ctx) => ctx.memory.append({ text: "x", role: "" }))).toBe("ENTRY_INVALID");
  expect(await codeOf((ctx) => ctx.memory.append({ text: "x" }, { scope: {} }))).toBe("SCOPE_INVALID");
  expect(await codeOf((ctx) => ctx.memory.setFact("", 1))).toBe("FACT_INVALID");
  expect(await codeOf((ctx) => ctx.memory.setFact("f", undefined as unknown as null))).toBe("FACT_INVALID");
  expect(await codeOf((ctx) => ctx.memory.setFact("f", 1, { ttlMs: 0 }))).toBe("FACT_INVALID");
  expect(await codeOf((ctx) => ctx.memory.mergeFact("f", 1, "add" as "sum"))).toBe("FACT_INVALID");
  expect(await codeOf((ctx) => ctx.memory.append({ text: "x".repeat(20_000) }))).toBe("HANDLER_FAILED");
  expect(await codeOf((ctx) => ctx.memory.append({ text: "x" }))).toBe("ok");
});

test("without `memory` in the definition `ctx.memory` says what is missing", async () => {
  const outcome = await runOn(
    actorWith(undefined, (ctx) => ctx.memory.window),
    "go",
    "hi",
  );
  expect(outcome).toMatchObject({ kind: "failed", error: { code: "MEMORY_MISSING" } });
});

test("U3: when the turn is over its memory takes nothing more", async () => {
  const kept: Ctx[] = [];
  await runOn(
    actorWith({}, (ctx) => {
      kept.push(ctx);
      ctx.memory.append({ text: "x" });
    }),
    "go",
    "hi",
  );
  expect(() => kept[0]?.memory.append({ text: "late" })).toThrow(expect.objectContaining({ code: "TURN_OVER" }));
  await expect(kept[0]?.memory.read()).rejects.toMatchObject({ code: "TURN_OVER" });
});
