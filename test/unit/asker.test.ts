import { expect, test } from "vitest";
import type { AskMessage } from "../../src/actors/message.ts";
import type { AskOptions } from "../../src/actors/ref.ts";
import { encodeText } from "../../src/core/codec.ts";
import { TroupeError } from "../../src/core/errors.ts";
import { EventStream } from "../../src/core/events.ts";
import type { HereDoor } from "../../src/runtime/asker.ts";
import { Asker } from "../../src/runtime/asker.ts";
import { writeRecord } from "../../src/runtime/directory.ts";
import type { MailRequest } from "../../src/runtime/mail.ts";
import type { MemoryFault, MemoryOperation } from "../../src/runtime/memory-faults.ts";
import { openMemoryMail } from "../../src/runtime/memory-mail.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import { noNeeds } from "../../src/runtime/placement.ts";
import { Routes } from "../../src/runtime/routes.ts";
import { partitionKey, subjectsOf } from "../../src/runtime/subjects.ts";
import { encodeError } from "../../src/runtime/wire-error.ts";
import { worldWithFaults } from "./runtime-doubles.ts";

const to = { pool: "main", partition: 0, key: "a.x", method: "go" };
const subjects = subjectsOf("app", "main");

/** `faults` befall the operations of this kind, in order. */
async function stage(
  faults: readonly (MemoryFault | undefined)[],
  here?: HereDoor,
  kind: MemoryOperation["kind"] = "request",
) {
  const { world, clock } = worldWithFaults(kind, faults);
  const request = { app: "app", pool: "main", partitionCount: 1 };
  const ports = await clock.runFor(memoryPorts({ world, name: "asker" })(request));
  const own = (epoch: number) =>
    ports.cluster.put(partitionKey("main", 0), writeRecord({ owner: "owner", epoch, needs: noNeeds }));
  await clock.runFor(own(1));
  const asker = new Asker(new Routes(ports), clock, new EventStream(), here);
  const owner = openMemoryMail({ world, subjects, name: "owner" });
  const handled: MailRequest[] = [];
  /** Serves from now on; each request meets the answers given, in order, and then `5`. */
  const serve = (errors: readonly TroupeError[] = [], epoch = 1) => {
    const left = [...errors];
    return owner.serve(0, epoch, (request) => {
      handled.push(request);
      const error = left.shift();
      if (error === undefined) request.reply(encodeText("5"));
      else request.reply(encodeError(error), error.code);
    });
  };
  const ask = (options?: AskOptions, isQuery = false) =>
    asker.ask({ to, inputText: "1", options, isQuery, origin: undefined }).catch((thrown: TroupeError) => thrown.code);
  return { world, clock, own, serve, handled, ask };
}

const fenced = new TroupeError("FENCED", "another owns it");

test("Q1: while nobody is there it is tried again, until somebody is or the time is over", async () => {
  const { clock, serve, ask } = await stage([]);
  expect(await clock.runFor(ask({ timeoutMs: 1_000 }))).toBe("ASK_UNREACHABLE");
  expect(clock.monotonicMs()).toBeLessThanOrEqual(1_000);
  const asking = ask();
  await clock.advance(3_000);
  await clock.runFor(serve());
  expect(await clock.runFor(asking)).toBe(5);
});

test("Q1: no attempt begins so late that it would hardly be answered, and could only end in doubt", async () => {
  for (let timeoutMs = 300; timeoutMs < 700; timeoutMs += 10) {
    const { clock, handled, serve, ask } = await stage([]);
    await clock.runFor(serve(new Array(1_000).fill(fenced)));
    const begunAtMs = clock.monotonicMs();
    expect(await clock.runFor(ask({ timeoutMs }))).toBe("FENCED");
    // An answer takes some milliseconds in this world.
    expect(clock.monotonicMs() - begunAtMs).toBeLessThan(timeoutMs - 40);
    expect(handled.length).toBeGreaterThan(1);
  }
});

test("Q1: what never left is tried again", async () => {
  const { world, clock, serve, handled, ask } = await stage([]);
  await clock.runFor(serve());
  world.cut("asker");
  const asking = ask();
  await clock.advance(1_000);
  world.restore("asker");
  expect([await clock.runFor(asking), handled.length]).toEqual([5, 1]);
});

test("Q1: what an owner refuses because it no longer is one is tried again", async () => {
  const { clock, serve, handled, ask } = await stage([]);
  await clock.runFor(serve([fenced, new TroupeError("DRAINING", "going"), fenced]));
  expect([await clock.runFor(ask()), handled.length]).toEqual([5, 4]);
});

test("Q1: waits grow, so that a long absence does not make a storm", async () => {
  const { clock, serve, handled, ask } = await stage([]);
  await clock.runFor(serve(new Array(1_000).fill(fenced)));
  expect(await clock.runFor(ask())).toBe("FENCED");
  expect(handled.length).toBeLessThan(50);
});

test("Q1: who has waited long for an owner does not wait long for it to begin", async () => {
  for (const beginsAfterMs of [130, 250, 300]) {
    const { clock, own, serve, ask } = await stage([]);
    const before = await clock.runFor(serve());
    await clock.runFor(ask());
    await clock.runFor(before.close());
    const asking = ask();
    await clock.advance(3_000);
    await clock.runFor(own(2));
    await clock.advance(beginsAfterMs);
    await clock.runFor(serve([], 2));
    const begunAtMs = clock.monotonicMs();
    expect(await clock.runFor(asking)).toBe(5);
    expect(clock.monotonicMs() - begunAtMs).toBeLessThan(110);
  }
});

test("Q2: an ask whose answer was lost is not repeated: it may have had an effect", async () => {
  for (const [fault, code] of [
    [{ lose: "answer" }, "ASK_TIMEOUT"],
    [{ lose: "request" }, "ASK_TIMEOUT"],
    [{ cutForMs: 100 }, "OUTCOME_UNKNOWN"],
  ] as const) {
    const { clock, serve, handled, ask } = await stage([fault]);
    await clock.runFor(serve());
    expect(await clock.runFor(ask({ timeoutMs: 1_000 }))).toBe(code);
    await clock.advance(10_000);
    expect(handled.length).toBeLessThanOrEqual(1);
  }
});

test("Q2: with an idempotency key, or for a query, it is repeated", async () => {
  for (const isQuery of [true, false]) {
    const { clock, serve, handled, ask } = await stage([{ cutForMs: 100 }, { cutForMs: 100 }]);
    await clock.runFor(serve());
    expect(await clock.runFor(ask(isQuery ? {} : { idempotencyKey: "k.1" }, isQuery))).toBe(5);
    expect(handled.map(({ meta }) => meta.idempotencyKey)).toEqual(new Array(3).fill(isQuery ? undefined : "k=2E1"));
  }
});

test("Q2: what was lost once stays in doubt, whatever the later attempts have met", async () => {
  const { clock, ask } = await stage([{ cutForMs: 100 }]);
  expect(await clock.runFor(ask({ idempotencyKey: "k", timeoutMs: 2_000 }))).toBe("OUTCOME_UNKNOWN");
  const refused = await stage([{ cutForMs: 100 }]);
  await refused.clock.runFor(refused.serve([fenced, new TroupeError("COMMIT_REFUSED", "disk full")]));
  expect(await refused.clock.runFor(refused.ask({ idempotencyKey: "k" }))).toBe("OUTCOME_UNKNOWN");
  const query = await stage([{ cutForMs: 100 }]);
  expect(await query.clock.runFor(query.ask({ timeoutMs: 2_000 }, true))).toBe("ASK_UNREACHABLE");
});

test("an answer that is an error is not tried again, one that is not JSON is an error", async () => {
  const { clock, serve, handled, ask } = await stage([]);
  await clock.runFor(serve([new TroupeError("HANDLER_FAILED", "no")]));
  expect([await clock.runFor(ask()), handled.length]).toEqual(["HANDLER_FAILED", 1]);
});

test("an actor of this process is asked directly, with a deadline, and again elsewhere when it has moved", async () => {
  const asked: AskMessage[] = [];
  let isHere = true;
  const gone: string[] = [];
  const withdraw = (_to: unknown, askId: string) => void gone.push(askId);
  const here: HereDoor = { owns: () => isHere, deliver: (_to, message) => void asked.push(message), withdraw };
  const { clock, serve, handled, ask } = await stage([], here);
  await clock.runFor(serve());
  const answered = ask();
  await clock.advance(10);
  asked[0]?.answer({ kind: "ok", text: "7" });
  expect([await clock.runFor(answered), handled.length, asked[0]?.payload]).toEqual([7, 0, "1"]);
  expect(await clock.runFor(ask({ timeoutMs: 500 }))).toBe("ASK_TIMEOUT");
  // Q3
  expect(gone).toEqual([asked[1]?.askId]);
  const moved = ask();
  await clock.advance(10);
  isHere = false;
  asked[2]?.answer({ kind: "error", error: fenced });
  expect([await clock.runFor(moved), handled.length]).toEqual([5, 1]);
});

test("an ask ends in time, also when nobody can say why nobody answers", async () => {
  const { clock, ask } = await stage([{ lose: "answer" }], undefined, "kv-read");
  expect(await clock.runFor(ask({ timeoutMs: 500 }))).toBe("ASK_UNREACHABLE");
  expect(clock.monotonicMs()).toBeLessThanOrEqual(800);
});

test("a signal ends the asking", async () => {
  const { clock, ask } = await stage([]);
  const stop = new AbortController();
  const reason = new Error("changed my mind");
  const asking = ask({ signal: stop.signal }).catch((thrown: unknown) => thrown);
  await clock.advance(100);
  stop.abort(Object.assign(reason, { code: "MINE" }));
  expect(await clock.runFor(asking)).toBe("MINE");
});
