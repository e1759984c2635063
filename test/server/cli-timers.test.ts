// `troupe timers` and `troupe get` against a real server: what actors have set, and when next.

import { expect, test } from "vitest";
import { runCli, startCli, writeActors } from "../support/cli.ts";
import { startTestServer } from "../support/nats-server.ts";
import { tempFolder } from "../support/temp-folder.ts";

const isoTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);

test("timers are listed with what they tell whom, and when next, and stand beside the state", async () => {
  await using folder = await tempFolder();
  await using server = await startTestServer();
  const actors = await writeActors(folder.path);
  const worker = startCli(["worker", actors, "--json", "--server", server.url], { cwd: folder.path });
  await worker.line("out", (line) => line.includes('"serving"'));
  const troupe = (...args: readonly string[]) => runCli(args, { cwd: folder.path, env: { NATS_URL: server.url } });
  const json = async (...args: readonly string[]): Promise<unknown> =>
    JSON.parse((await troupe(...args, "--json")).out);
  await json("ask", "counter", "timed", "setTimers");
  expect(await json("get", "counter", "timed")).toMatchObject({
    timers: {
      later: { method: "add", input: 1, at: isoTime },
      nightly: { method: "add", input: 2, cron: "0 30 2 * * *", timeZone: "Europe/Berlin" },
    },
  });
  const { timers, total } = (await json("timers", "counter.timed")) as { timers: object[]; total: number };
  expect([total, timers]).toMatchObject([
    2,
    [
      { type: "counter", id: "timed", name: "later", method: "add", input: 1, next: isoTime },
      { name: "nightly", cron: "0 30 2 * * *", timeZone: "Europe/Berlin", next: isoTime },
    ],
  ]);
  const { out } = await troupe("timers", "counter.timed");
  expect(out).toMatch(/^later {2}counter\/timed add 1 {2}at \d{4}-/m);
  expect(out).toMatch(/^nightly {2}counter\/timed add 2 {2}0 30 2 \* \* \* \(Europe\/Berlin\), next at \d{4}-/m);
  expect((await troupe("timers", "counter.none")).out).toBe("No actor has a timer.\n");
  expect((await troupe("get", "counter", "timed")).out).toContain("nightly: add 0 30 2 * * * (Europe/Berlin)");
  worker.kill("SIGKILL");
  await worker.ended;
});
