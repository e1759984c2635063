import { expect, test } from "vitest";
import { z } from "zod";
import type { TurnContext } from "../../src/actors/context.ts";
import { defineActor, handler, query } from "../../src/actors/definition.ts";
import type { TurnOutcome } from "../../src/actors/turn.ts";
import type { MemoryServices } from "../../src/actors/turn-memory.ts";
import { briefOf, messageOf, TurnHarness } from "./turn-harness.ts";

type State = { n: number; list: number[]; any?: unknown };
const stateSchema = z.object({ n: z.number(), list: z.array(z.number()), any: z.unknown().optional() });

const other = defineActor(
  "other",
  { state: z.object({}), initial: {} },
  {
    see: handler(z.number(), () => {}),
    look: query(() => 1),
  },
);

/** An actor whose one method is this. */
function actorWith(run: (ctx: TurnContext<State>, input: unknown) => unknown, timeoutMs?: number) {
  const options = { state: stateSchema, initial: { n: 0, list: [] } as State };
  return defineActor("a", options, { go: handler(z.unknown(), run, timeoutMs === undefined ? {} : { timeoutMs }) });
}

const go = (run: (ctx: TurnContext<State>, input: unknown) => unknown, input: unknown = null) =>
  new TurnHarness(actorWith(run)).run("go", input);

test("E2: the end of an errand is handed over as it is, once: a turn that runs again reads it anew", () => {
  const seen: unknown[] = [];
  const harness = new TurnHarness(
    actorWith((_ctx, input) => {
      seen.push(input);
    }),
  );
  const input = { words: ["one"] };
  const message = { ...messageOf("go", JSON.stringify(input)), errand: { number: 1, sendings: [], input } };
  void harness.runMessage(message);
  input.words.push("more");
  void harness.runMessage(message);
  expect(seen[0]).toBe(input);
  expect(seen[1]).toEqual({ words: ["one"] });
});

test("U1: a turn that throws changes nothing and sends nothing", async () => {
  const before: State = { n: 1, list: [1] };
  const change = (ctx: TurnContext<State>) => {
    ctx.state.n = 5;
    ctx.state.list.push(2);
    ctx.actor(other, "x").tell.see(1);
  };
  const harness = new TurnHarness(
    actorWith((ctx, isLate) => {
      change(ctx);
      if (isLate === true) return Promise.reject(new Error("late"));
      throw new Error("at once");
    }),
  );
  for (const isLate of [false, true]) {
    const outcome = await harness.run("go", isLate, before);
    expect(outcome).toMatchObject({ kind: "failed", error: { code: "HANDLER_FAILED" } });
    expect(outcome).not.toHaveProperty("sendings");
    expect(before).toEqual({ n: 1, list: [1] });
  }
});

test("U1: whatever is thrown, the failure keeps its name, message, code and data as far as JSON can", async () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const failureOf = async (thrown: unknown) => {
    const atOnce = await go(() => {
      throw thrown;
    });
    const late = await go(() => Promise.reject(thrown));
    expect(briefOf(late)).toBe("HANDLER_FAILED");
    const data = (outcome: TurnOutcome) => (outcome.kind === "failed" ? outcome.error.data : undefined);
    expect(data(late)).toEqual(data(atOnce));
    return data(late);
  };
  expect(await failureOf(new RangeError("r"))).toEqual({ name: "RangeError", message: "r" });
  expect(await failureOf("text")).toEqual({ name: "string", message: "text" });
  expect(await failureOf(undefined)).toEqual({ name: "undefined", message: "undefined" });
  expect(await failureOf(null)).toEqual({ name: "object", message: "null" });
  expect(await failureOf(Object.assign(new Error("e"), { code: "E1", data: { a: 1n } }))).toEqual({
    ...{ name: "Error", message: "e", code: "E1" },
  });
  expect(await failureOf(Object.assign(new Error("e"), { code: 5, data: cyclic }))).toEqual({
    ...{ name: "Error", message: "e" },
  });
  const hostile = Object.defineProperty(new Error("e"), "code", {
    get: () => {
      throw new Error("do not look");
    },
  });
  expect(await failureOf(hostile)).toEqual({ name: "object", message: "e" });
  expect(await failureOf(Object.create(null))).toEqual({
    ...{ name: "object", message: "something that cannot be shown as text (object)" },
  });
});

test("U2: a handler that is not asynchronous ends within the call", () => {
  const outcome = go((ctx) => {
    ctx.state.n += 1;
    return ctx.state.n;
  });
  expect(outcome).toMatchObject({ kind: "done", state: { n: 1, list: [] }, isChanged: true, resultText: "1" });
});

test("U3: when its time is over a turn has failed, its signal aborts, and its context refuses everything", async () => {
  const refusals: string[] = [];
  let ctx: TurnContext<State> | undefined;
  const harness = new TurnHarness(
    actorWith((given) => {
      ctx = given;
      given.state.n = 7;
      return new Promise((resolve) => given.signal.addEventListener("abort", () => resolve("late")));
    }, 100),
  );
  const running = harness.run("go", null);
  const outcome = await harness.clock.runFor(Promise.resolve(running));
  expect([briefOf(outcome), harness.clock.monotonicMs()]).toEqual(["TURN_TIMEOUT", 100]);
  const attempts: ((ended: TurnContext<State>) => unknown)[] = [
    (ended) => ended.state,
    (ended) => {
      ended.state = { n: 1, list: [] };
    },
    (ended) => ended.actor(other, "x"),
    (ended) => ended.step("s", () => 1),
  ];
  for (const attempt of attempts) {
    try {
      if (ctx !== undefined) await attempt(ctx);
      refusals.push("allowed");
    } catch (thrown) {
      refusals.push((thrown as { code?: string }).code ?? "");
    }
  }
  expect(refusals).toEqual(attempts.map(() => "TURN_OVER"));
});

test("U3: after the handler returned its context refuses everything, also what it got from it before", async () => {
  let tell: (n: number) => void = () => {};
  const outcome = await go((ctx) => {
    const ref = ctx.actor(other, "x");
    tell = (n) => ref.tell.see(n);
    tell(1);
  });
  expect(outcome).toMatchObject({ sendings: [{ to: "other.x", method: "see", inputText: "1" }] });
  expect(() => tell(2)).toThrow(expect.objectContaining({ code: "TURN_OVER" }));
});

test("U3: when ownership is lost the signal aborts, and nothing can be done any more", async () => {
  const harness = new TurnHarness(
    actorWith(async (ctx) => {
      const { signal } = ctx;
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      ctx.state.n = 1;
    }),
  );
  const running = harness.run("go", null);
  harness.lost.abort();
  expect(briefOf(await running)).toBe("TURN_OVER");
});

test("U4: what is answered and sent is as it was when it was given", async () => {
  const outcome = (await go((ctx) => {
    ctx.state.list.push(1);
    const note = { n: 1 };
    ctx.actor(other, "x").tell.see(note.n);
    note.n = 2;
    ctx.state.n = note.n;
    return ctx.state;
  })) as TurnOutcome & { readonly kind: "done" };
  expect(outcome.sendings[0]).toMatchObject({ inputText: "1" });
  expect(outcome.resultText).toBe('{"n":2,"list":[1]}');
  expect(outcome.state).toEqual({ n: 2, list: [1] });
});

test("U5: what throws in a function of the definition or in a thenable is the turn's failure, at once or later", async () => {
  const later = z.unknown().transform(async (input) => input);
  const memory = {
    scope: () => {
      throw new Error("no user in it");
    },
  };
  const remembering = (schema: z.ZodType) =>
    defineActor("a", { state: z.object({}), initial: {}, memory }, { go: handler(schema, () => 1) });
  const services = { unwritten: () => [] } as unknown as MemoryServices;
  for (const schema of [z.unknown(), later]) {
    const outcome = await new TurnHarness(remembering(schema), services).run("go", 1, {}, "tell");
    expect(outcome).toMatchObject({
      kind: "failed",
      error: { code: "HANDLER_FAILED", cause: { message: "no user in it" } },
    });
  }
  const thenable = {
    // biome-ignore lint/suspicious/noThenProperty: it is what is tried.
    then: () => {
      throw new Error("no promise");
    },
  };
  expect(briefOf(await go(() => thenable))).toBe("HANDLER_FAILED");
});

test("what cannot be answered is refused; what JSON bends is bent", async () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const answers = [() => {}, 1n, cyclic, Symbol("s"), Number.NaN, undefined, null, new Date(0), new Map([[1, 2]])];
  const briefs = await Promise.all(answers.map(async (answer) => briefOf(await go(() => answer))));
  expect(briefs).toEqual([
    ...["RESULT_INVALID", "RESULT_INVALID", "RESULT_INVALID", "RESULT_INVALID", "ok null", "ok nothing", "ok null"],
    ...['ok "1970-01-01T00:00:00.000Z"', "ok {}"],
  ]);
  expect(briefOf(await new TurnHarness(actorWith(() => 1n)).run("go", null, undefined, "tell"))).toBe("ok nothing");
});

test("a state may be replaced by assignment: it is copied, checked, and what JSON cannot carry is refused", async () => {
  const mine: State = { n: 3, list: [1] };
  const outcome = await go((ctx) => {
    ctx.state.n = 99;
    ctx.state = mine;
    mine.list.push(2);
    return ctx.state.list.length;
  });
  expect(outcome).toMatchObject({ state: { n: 3, list: [1, 2] }, isChanged: true, resultText: "2" });
  mine.n = 4;
  expect(outcome).toMatchObject({ state: { n: 3 } });
  for (const state of [undefined, null, 5, "x", { n: "1", list: [] }, { n: 1n, list: [] }, () => {}]) {
    const replaced = await go((ctx) => {
      ctx.state = state as unknown as State;
    });
    expect(briefOf(replaced), String(state)).toBe("STATE_INVALID");
  }
});

test("a draft that was read and not written, or written with what it was, is no change", async () => {
  const before: State = { n: 1, list: [1] };
  const harness = new TurnHarness(
    actorWith((ctx) => {
      ctx.state.n = 1;
      return ctx.state.list[0];
    }),
  );
  const outcome = await harness.run("go", null, before);
  expect(outcome).toMatchObject({ kind: "done", isChanged: false, resultText: "1" });
  expect(outcome).toHaveProperty("state", before);
});

test("a state that its schema refuses fails the turn, with the places", async () => {
  const outcome = await go((ctx) => {
    (ctx.state.list as unknown[]).push("x");
  });
  expect(outcome).toMatchObject({ error: { code: "STATE_INVALID", data: { issues: [{ path: "list.0" }] } } });
});

test("a query that writes, tells or steps is refused; one that asks is not", async () => {
  const asking = defineActor(
    "q",
    { state: stateSchema, initial: { n: 0, list: [] } as State },
    {
      write: query((ctx) => {
        (ctx.state as State).n = 5;
      }),
      tell: query((ctx) => (ctx as unknown as TurnContext<State>).actor(other, "x").tell.see(1)),
      step: query((ctx) => (ctx as unknown as TurnContext<State>).step("s", () => 1)),
      ask: query((ctx) => ctx.actor(other, "x").ask.look()),
      read: query((ctx) => ctx.state.n),
    },
  );
  const harness = new TurnHarness(asking);
  harness.answer = 42;
  const briefs = await Promise.all(
    ["write", "tell", "step", "ask", "read"].map(async (method) => briefOf(await harness.run(method))),
  );
  const refused = "QUERY_CHANGED_STATE";
  expect(briefs).toEqual([refused, refused, refused, "ok 42", "ok 0"]);
  expect(briefOf(await harness.run("read", undefined, undefined, "tell"))).toBe("METHOD_NOT_TELLABLE");
});

test("steps are kept before the turn goes on, found again in the next run, and have names of their own", async () => {
  let calls = 0;
  const harness = new TurnHarness(
    actorWith(async (ctx) => {
      const first = await ctx.step("first", async () => {
        calls += 1;
        return { at: new Date(0), calls };
      });
      const nothing = await ctx.step("nothing", () => undefined);
      return [first, nothing === undefined || nothing === null];
    }),
  );
  const wanted = '[{"at":"1970-01-01T00:00:00.000Z","calls":1},true]';
  expect(briefOf(await harness.run("go", null))).toBe(`ok ${wanted}`);
  expect(harness.steps.get("first")).toBe('{"at":"1970-01-01T00:00:00.000Z","calls":1}');
  expect(briefOf(await harness.run("go", null))).toBe(`ok ${wanted}`);
  expect(calls).toBe(1);
});

test("a step's repeated or empty name, its garbage and its failure are refused, and not kept", async () => {
  const step = async (run: (ctx: TurnContext<State>) => unknown) => {
    const harness = new TurnHarness(actorWith(run));
    return [briefOf(await harness.run("go", null)), harness.steps.size];
  };
  expect(await step((ctx) => Promise.all([ctx.step("a", () => 1), ctx.step("a", () => 2)]))).toEqual([
    ...["STEP_REPEATED", 1],
  ]);
  expect(await step((ctx) => ctx.step("", () => 1))).toEqual(["STEP_REPEATED", 0]);
  expect(await step((ctx) => ctx.step("a", () => 1n))).toEqual(["RESULT_INVALID", 0]);
  expect(await step((ctx) => ctx.step("a", () => Promise.reject(new Error("no"))))).toEqual(["HANDLER_FAILED", 0]);
});

test("inputs are checked at the door: not JSON, not what the schema says, where none is wanted, or too many", async () => {
  const doors = defineActor(
    "d",
    { state: stateSchema, initial: { n: 0, list: [] } as State },
    {
      number: handler(z.number(), (_ctx, n) => n),
      nothing: handler(() => "ran"),
      slow: handler(
        z.number().refine(async (n) => n > 0, "must be positive"),
        (_ctx, n) => n,
      ),
    },
  );
  const harness = new TurnHarness(doors);
  const raw = async (method: string, payload: string | Uint8Array | undefined) =>
    briefOf(await harness.runRaw(method, payload));
  const invalid = "INPUT_INVALID";
  expect(await raw("number", "{")).toBe(invalid);
  expect(await raw("number", '"5"')).toBe(invalid);
  expect(await raw("number", undefined)).toBe(invalid);
  expect(await raw("number", new Uint8Array([0x35]))).toBe("ok 5");
  expect(await raw("nothing", "1")).toBe(invalid);
  expect(await raw("nothing", "null")).toBe('ok "ran"');
  expect(await raw("nothing", new Uint8Array(0))).toBe('ok "ran"');
  expect(await raw("slow", "1")).toBe("ok 1");
  expect(await raw("slow", "-1")).toBe(invalid);
  for (const method of ["toString", "__proto__", "missing"]) expect(await raw(method, "1")).toBe("METHOD_UNKNOWN");
});

test("what is told is checked when it is told: its input, its size, its receiver", async () => {
  const code = async (run: (ctx: TurnContext<State>) => void) => {
    const outcome = await go((ctx) => {
      try {
        run(ctx);
        return "sent";
      } catch (thrown) {
        return (thrown as { code?: string }).code;
      }
    });
    return outcome.kind === "done" ? outcome.resultText : outcome.error.code;
  };
  const large = defineActor("large", { state: z.object({}), initial: {} }, { see: handler(z.string(), () => {}) });
  expect(await code((ctx) => ctx.actor(other, "x").tell.see("1" as unknown as number))).toBe('"INPUT_INVALID"');
  expect(await code((ctx) => ctx.actor(large, "x").tell.see("x".repeat(20_000)))).toBe('"PAYLOAD_TOO_LARGE"');
  expect(await code((ctx) => ctx.stop(large, "x", "x".repeat(20_000)))).toBe('"PAYLOAD_TOO_LARGE"');
  expect(await code((ctx) => ctx.actor(large, "x").tell.see("x".repeat(5_000)))).toBe('"sent"');
  expect(await code((ctx) => void ctx.actor(other, ""))).toBe('"ID_INVALID"');
});
