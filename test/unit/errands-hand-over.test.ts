// Errands that take long, and the partition that they are in: what it is held for, and what becomes of them when it moves.

import { expect, test } from "vitest";
import { silentLogger } from "../../src/core/log.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { book } from "../contract/workflow-actors.ts";
import { oneTask, opened } from "./errand-stage.ts";

test("J2: a worker that drains waits for the task under way, takes its end, and begins none; the next one goes on", async () => {
  const { clock, worker, client } = await opened();
  const { work, begun, actors } = oneTask();
  const first = await worker(actors, "w1");
  const run = client.actor(work.run, "r");
  await clock.runFor(run.ask.start());
  await clock.advance(2_000);
  const drained = first.drain();
  await clock.advance(100);
  begun[0]?.();
  await clock.runFor(drained);
  const left = await clock.runFor(run.get());
  expect(left?.state.marks).toMatchObject({ t: { is: "done" }, u: { is: "running" } });
  await worker(actors, "w2");
  await clock.advance(5_000);
  expect((await clock.runFor(run.get()))?.state.result).toBe("run 1 after");
  expect(begun.length).toBe(1);
});

test("a partition with a long task under way is not given to a worker that joins before that has ended: others there are served meanwhile", async () => {
  const { clock, worker, client } = await opened(2);
  const { work, begun, actors } = oneTask();
  const first = await worker(actors, "w1");
  const given: number[] = [];
  first.events.listen(({ kind }) => kind === "partition-given" && given.push(clock.now()));
  for (const id of ["a", "b", "c", "d"]) await clock.runFor(client.actor(work.run, id).ask.start());
  await clock.advance(2_000);
  await worker(actors, "w2");
  let slowestMs = 0;
  for (let at = 0; at < 30; at += 1) {
    await clock.advance(500);
    const askedMs = clock.now();
    await Promise.all(
      ["b", "c", "d"].map((id) => clock.runFor(client.actor(book, id).ask.lines(undefined, { timeoutMs: 30_000 }))),
    );
    slowestMs = Math.max(slowestMs, clock.now() - askedMs);
  }
  expect({ given, begun: begun.length }).toEqual({ given: [], begun: 4 });
  expect(slowestMs).toBeLessThan(100);
  for (const end of begun) end();
  await clock.advance(20_000);
  expect(given.length).toBe(1);
});

test("a long task is waited for as long as is allowed when its partition is to move; then it is cut off, said, and begun anew there", async () => {
  const { clock, worker, client, ports } = await opened(2);
  const { work, begun, actors } = oneTask();
  const lines: string[] = [];
  const warn = (fields: object, text: string) => void lines.push(`${text} ${JSON.stringify(fields)}`);
  const logger = { ...silentLogger, warn };
  const options = { actors, partitions: 2, logger, ports: ports("w1"), name: "w1", handOverMsMax: 300_000 };
  const first = await clock.runFor(createWorker(options));
  const given: number[] = [];
  first.events.listen(({ kind }) => kind === "partition-given" && given.push(clock.now()));
  for (const id of ["a", "b", "c", "d"]) await clock.runFor(client.actor(work.run, id).ask.start());
  await clock.advance(2_000);
  await worker(actors, "w2");
  await clock.advance(290_000);
  expect({ given, begun: begun.length, lines }).toEqual({ given: [], begun: 4, lines: [] });
  await clock.advance(60_000);
  expect(given.length).toBe(1);
  const cut = lines.filter((line) =>
    line.startsWith("work under way was cut off: the partition's next owner begins it anew"),
  );
  expect(cut).toEqual([expect.stringContaining('"actors":["workflow-work.')]);
  const { count } = JSON.parse(cut[0]?.slice(cut[0].indexOf("{")) ?? "{}") as { count: number };
  expect(begun.length).toBe(4 + count);
  for (const end of begun) end();
  await clock.advance(20_000);
  for (const id of ["a", "b", "c", "d"]) {
    expect((await clock.runFor(client.actor(work.run, id).get()))?.state).toMatchObject({ phase: "completed" });
  }
});

test("J3: a task of many minutes does not hold what comes behind it, and is begun anew after a death all the same", async () => {
  const { clock, worker, client } = await opened();
  const { work, begun, actors } = oneTask();
  const first = await worker(actors, "w1");
  let cursor = 0;
  first.events.listen((event) => {
    if (event.kind === "cursor-saved") cursor = event.cursor;
  });
  const run = client.actor(work.run, "r");
  await clock.runFor(run.ask.start());
  const told: number[] = [];
  for (let minute = 0; minute < 30; minute += 1) {
    told.push((await clock.runFor(client.actor(book, "other").tell.add("x"))).sequence);
    await clock.advance(60_000);
    // Never more than five minutes of them are behind the cursor.
    expect(cursor).toBeGreaterThanOrEqual(told.at(-6) ?? 0);
  }
  expect(begun.length).toBe(1);
  await clock.runFor(first.close());
  await worker(actors, "w2");
  await clock.advance(5_000);
  expect(begun.length).toBe(2);
  begun[1]?.();
  await clock.advance(5_000);
  expect((await clock.runFor(run.get()))?.state).toMatchObject({ phase: "completed", result: "run 2 after" });
  expect((await clock.runFor(client.actor(book, "b").get()))?.state.lines).toEqual(["t"]);
  expect((await clock.runFor(client.actor(book, "other").get()))?.state.lines.length).toBe(30);
});
