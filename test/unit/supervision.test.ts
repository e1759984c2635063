import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { actorDefaults, defineActor, handler, query } from "../../src/actors/definition.ts";
import type { Failure, FailurePolicy, FailureVerdict } from "../../src/actors/supervision.ts";
import { childFailure, decide } from "../../src/actors/supervision.ts";

const { retry } = actorDefaults;
const failed = (more: Partial<Failure> = {}): Failure => ({
  ...{ code: "HANDLER_FAILED", message: "no", data: undefined, method: "m", attempts: 1 },
  ...more,
});
const last = failed({ attempts: retry.attempts });
const constants = ["dead-letter", "stop", "escalate"] as const;
const anyPolicy: fc.Arbitrary<FailurePolicy> = fc.oneof(
  fc.constantFrom(...constants),
  fc.constantFrom<FailureVerdict>("retry", ...constants).map((verdict) => () => verdict),
);

test("F1: what the doors refuse is a dead letter at once, and the policy is not asked", () => {
  for (const code of ["INPUT_INVALID", "METHOD_UNKNOWN", "METHOD_NOT_TELLABLE"]) {
    const onFailure = () => {
      throw new Error("it was asked");
    };
    for (const policy of ["stop", "escalate", onFailure] as const) {
      const decision = decide(failed({ code }), { retry, onFailure: policy }, true, 0);
      expect(decision).toEqual({ kind: "dead-letter", lacksParent: false });
    }
  }
});

test("F2: a message runs no more often than it may, whatever the policy says", () => {
  fc.assert(
    fc.property(anyPolicy, fc.integer({ min: 1, max: 20 }), fc.boolean(), (onFailure, attempts, hasParent) => {
      const { kind } = decide(failed({ attempts }), { retry, onFailure }, hasParent, 0.5);
      if (attempts >= retry.attempts) expect(kind).not.toBe("retry");
      else if (typeof onFailure !== "function") expect(kind).toBe("retry");
    }),
  );
  const again = () => "retry" as const;
  expect(decide(last, { retry, onFailure: again }, true, 0).kind).toBe("dead-letter");
  expect(decide(failed({ code: "STATE_INVALID" }), { retry, onFailure: again }, true, 0).kind).toBe("dead-letter");
  expect(decide(failed({ code: "TURN_TIMEOUT" }), { retry, onFailure: again }, true, 0).kind).toBe("retry");
});

test("waits double, up to the longest, and chance takes at most half of them", () => {
  const afterMs = (attempts: number, chance: number) => {
    const decision = decide(
      failed({ attempts }),
      { retry: { ...retry, attempts: 99 }, onFailure: "stop" },
      true,
      chance,
    );
    return decision.kind === "retry" ? decision.afterMs : 0;
  };
  expect([1, 2, 3, 20].map((attempts) => afterMs(attempts, 1))).toEqual([100, 200, 400, 5_000]);
  expect([1, 2, 3, 20].map((attempts) => afterMs(attempts, 0))).toEqual([50, 100, 200, 2_500]);
});

test("when the retries are used up the policy's verdict counts; a function judges each failure", () => {
  for (const onFailure of constants) expect(decide(last, { retry, onFailure }, true, 0).kind).toBe(onFailure);
  const onFailure = ({ data }: Failure) => (data === "fatal" ? "stop" : "retry");
  expect(decide(failed(), { retry, onFailure }, true, 0).kind).toBe("retry");
  expect(decide(failed({ data: "fatal" }), { retry, onFailure }, true, 0).kind).toBe("stop");
});

test("F3: a policy that throws, says nonsense, or escalates without a parent, has said dead-letter", () => {
  const policies = [() => "nonsense", () => undefined, () => Promise.resolve("stop")] as unknown as FailurePolicy[];
  const throws: FailurePolicy = () => {
    throw new Error("no");
  };
  for (const onFailure of [...policies, throws]) {
    expect(decide(failed(), { retry, onFailure }, true, 0)).toEqual({ kind: "dead-letter", lacksParent: false });
  }
  expect(decide(last, { retry, onFailure: "escalate" }, false, 0)).toEqual({ kind: "dead-letter", lacksParent: true });
});

test("a definition says at once what is no policy, and what is no handler of it", () => {
  const options = { state: z.object({}), initial: {} };
  const methods = { heard: handler(childFailure, () => {}), asked: query(() => 1) };
  for (const wrong of ["retry", "restart", 5, null]) {
    const make = () => defineActor("a", { ...options, onFailure: wrong as unknown as FailurePolicy }, methods);
    expect(make).toThrow(/onFailure/);
  }
  for (const wrong of ["asked", "unheardOf"]) {
    expect(() => defineActor("a", { ...options, onChildFailure: wrong }, methods)).toThrow(/onChildFailure/);
  }
  expect(defineActor("a", { ...options, onChildFailure: "heard" }, methods).onChildFailure).toBe("heard");
});

test("P10: the schema for failures of children takes those alone", () => {
  const check = (value: unknown) => childFailure["~standard"].validate(value);
  const one = { child: { type: "a", id: "1" }, method: "m", messageId: "x", code: "C", message: "no", attempts: 1 };
  expect(check(one)).toEqual({ value: one });
  for (const wrong of [undefined, null, 5, {}, { ...one, child: null }, { ...one, attempts: "1" }]) {
    expect(check(wrong)).toHaveProperty("issues");
  }
});
