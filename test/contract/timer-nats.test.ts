// What the door accepts the server accepts, and it fires when we say (T2 of `timer.ts`). The server is the judge.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { TimerWhen } from "../../src/actors/timer.ts";
import { checkedCron } from "../../src/actors/timer.ts";
import { nextCronMs, parseCron } from "../../src/core/cron.ts";
import { isTroupeError } from "../../src/core/errors.ts";
import { openLink, rawHeaders } from "../../src/kv/nats-link.ts";
import { noMeta } from "../../src/runtime/mail.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";
import { inTime } from "./in-time.ts";
import { openMailOnNats } from "./mail-on-nats.ts";
import { bytes, Letters, patienceMs, toC1 } from "./mail-support.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const expressions = [
  ...["* * * * * *", "0 * * * * *", "0 0 9 * * MON-FRI", "0 0 9 * * mon,WED", "0 0 9 ? * 1", "0 0 9 * JAN-mar *"],
  ...[
    "5-10/2 * * * * *",
    "0/15 * * * * *",
    "*/7 1,2,3 */5 1-15 * *",
    "0 0 0 29 2 *",
    "0 0 0 31 * *",
    "59 59 23 31 12 6",
  ],
  ...[
    "9 * * *",
    "* * * *",
    "60 * * * * *",
    "* 60 * * * *",
    "* * 24 * * *",
    "* * * 32 * *",
    "* * * 0 * *",
    "* * * * 13 *",
  ],
  ...["0 0 9 * * 7", "0 0 9 L * *", "0 0 9 15W * *", "0 0 9 * * 1#2", "0 0 9 * * FRI-MON", "0 0 9 * * 5-1"],
  ...[
    "0 0 0 30 2 *",
    "0 0 0 31 4,6 *",
    "*/0 * * * * *",
    "a * * * * *",
    "-1 * * * * *",
    "1- * * * * *",
    "1-2-3 * * * * *",
  ],
  ...[
    "1/2/3 * * * * *",
    "/5 * * * * *",
    "0 0 0 * FEB MON",
    "0 0 0 1 jan,feb sun",
    "@reboot",
    "mon * * * * *",
    "* * * * mon *",
  ],
];
const zones = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Asia/Kolkata",
  "Australia/Lord_Howe",
  "Etc/GMT+5",
  "Asia/Calcutta",
];
const noZones = ["Mars/Olympus", "europe", "+01:00", "a b", "../x"];

function isAccepted(cron: string, timeZone: string): TimerWhen | undefined {
  try {
    return checkedCron({ cron, timeZone }, Date.now());
  } catch (thrown) {
    if (isTroupeError(thrown)) return undefined;
    throw thrown;
  }
}

test("T2: the door and the server accept the same cron expressions, and every zone that the door accepts", async () => {
  await using place = await openMailOnNats(server);
  await using link = await openLink({ servers: server.url });
  const { subjects } = place;
  const ask = async (cron: string, timeZone: string): Promise<boolean> => {
    const target = `Nats-Schedule-Target: ${subjects.mail(0, "counter.c1", "add")}`;
    const headers = rawHeaders([`Nats-Schedule: ${cron}`, target, `Nats-Schedule-Time-Zone: ${timeZone}`]);
    const answer = await link.request(subjects.timer("counter.c1", "t", 1), bytes(""), patienceMs, headers);
    return answer.kind === "reply" && !Buffer.from(answer.message.data).toString().includes('"error"');
  };
  for (const cron of expressions) {
    // Fewer than six fields are for people: the door makes six of five.
    if (cron.split(" ").length === 5) continue;
    expect([cron, isAccepted(cron, "UTC") !== undefined]).toEqual([cron, await ask(cron, "UTC")]);
  }
  for (const zone of [...zones, ...noZones]) {
    const when = isAccepted("0 9 * * *", zone);
    expect([zone, when !== undefined]).toEqual([zone, zones.includes(zone)]);
    if (when?.kind === "cron") expect([zone, await ask(when.cron, when.timeZone)]).toEqual([zone, true]);
  }
  for (const zone of Intl.supportedValuesOf("timeZone")) {
    const when = isAccepted("0 9 * * *", zone);
    if (when?.kind === "cron") expect([zone, await ask(when.cron, when.timeZone)]).toEqual([zone, true]);
  }
});

/** Each of them fires in that second, and says when again: in minutes, hours, days or months. */
function cronsAt(atMs: number, timeZone: string) {
  const parts = new Intl.DateTimeFormat("en-US", {
    ...{ timeZone, hourCycle: "h23", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" },
    second: "numeric",
  }).formatToParts(atMs);
  const part = (type: string) => Number(parts.find((each) => each.type === type)?.value);
  const [s, m, h, d, mo] = ["second", "minute", "hour", "day", "month"].map(part);
  const dow = new Date(`${new Date(atMs).getUTCFullYear()}-${mo}-${d} UTC`).getUTCDay();
  return [
    ...[`${s} */1 * * * *`, `${s} ${m},3 * * * *`, `${s} ${m} ${h},4 * * *`, `${s} ${m} ${h} ${d} * MON`],
    ...[`${s} ${m} ${h} * * ${dow},TUE`, `${s} ${m} ${h} ${d} ${mo},2,7 *`, `${s} ${m} ${h} ${d} ${mo} *`],
  ].map((cron) => ({ cron, timeZone }));
}

test("C2, C3: the server fires next when we say, in each zone", () =>
  // A second less than it says, since what fires in a second may do so at its beginning.
  inTime(1_000, async (ms, limit) => {
    await using place = await openMailOnNats(server);
    const { mail } = await place.open();
    const letters = new Letters();
    await using _reader = await mail.read(3, 1, letters.take);
    const check = limit(ms);
    const soonMs = Date.now() + ms + 1_000;
    const crons = zones.flatMap((timeZone) => cronsAt(soonMs, timeZone));
    const set = crons.map(({ cron, timeZone }, number) =>
      mail.schedule(toC1, { name: "t", number, when: { kind: "cron", cron, timeZone } }, bytes(""), noMeta, patienceMs),
    );
    for (const outcome of await Promise.all(set)) expect(outcome.kind).toBe("accepted");
    check();
    await letters.untilCount(crons.length);
    const said = letters.all.map(({ meta: { timer } }) => [crons[timer?.number ?? -1], timer?.nextMs] as const);
    for (const [of, nextMs] of said) {
      const cron = parseCron(of?.cron ?? "");
      if (typeof cron === "string" || of === undefined) throw new Error("it was accepted");
      expect([of, new Date(nextCronMs(cron, of.timeZone, soonMs) ?? 0)]).toEqual([of, new Date(nextMs ?? 0)]);
    }
  }));
