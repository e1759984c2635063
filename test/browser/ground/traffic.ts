// Load for whoever looks, in a process of its own: `node traffic.ts URL [SCALE]`. Customers write to the desk, counters are asked and
// told, incidents are worked on, now and then something fails. Prints "flowing" when it does, and ends on SIGTERM.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Service, triage } from "../../../examples/incident-triage/triage.ts";
import { Intake, theOne } from "../../../examples/support-desk/agents.ts";
import type { Message } from "../../../examples/support-desk/message.ts";
import { connect } from "../../../src/index.ts";
import { Tally } from "./actors.ts";

const [, , servers = "", scaleText = "1"] = process.argv;
const scale = Number(scaleText);
const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());
const troupe = await connect({ servers });

const everyMs = 20;

/** Does `act` so many times a second until told to end. What fails has failed: that is to be seen on the page. */
async function often(perS: number, act: (nth: number) => Promise<unknown>): Promise<void> {
  const beganMs = performance.now();
  let nth = 0;
  const ticking = setInterval(() => {
    const due = ((performance.now() - beganMs) / 1_000) * perS * scale;
    for (; nth < due; nth += 1) act(nth).catch(() => undefined);
  }, everyMs);
  await once(stop.signal, "abort");
  clearInterval(ticking);
}

const lines = readFileSync(new URL("../../../examples/support-desk/messages.jsonl", import.meta.url), "utf8").trim();
const messages = lines.split("\n").map((line) => JSON.parse(line) as Message);
const run = `traffic-${process.pid}`;
/** When all have written, a day later they write again. */
const desk = (nth: number) => {
  const message = messages[nth % messages.length] as Message;
  const days = Math.floor(nth / messages.length);
  const at = new Date(Date.parse(message.at) + days * 86_400_000).toISOString();
  return troupe.actor(Intake, theOne).tell.message({ run, number: nth + 1, message: { ...message, at } });
};
const tally = (nth: number) => troupe.actor(Tally, `t${nth % 200}`);
const notes = ["stock counted", "price checked", "order packed", "invoice sent"];
const note = (nth: number) => ({ by: 1 + (nth % 5), note: notes[nth % notes.length] ?? "" });
const reports = ["the shop is slow", "errors after the deploy", "checkout is down", "a typo on the page"];
const incident = async (nth: number) => {
  const service = `service-${nth % 7}`;
  await troupe.actor(Service, service).tell.ailFrom(nth % 3 === 0 ? "rollback" : "restart");
  const report = reports[nth % reports.length] ?? "";
  await troupe.actor(triage.run, `i-${process.pid}-${nth}`).ask.start({ service, customer: `acme-${nth % 5}`, report });
};

console.log("flowing");
await Promise.all([
  often(12, desk),
  often(120, (nth) => tally(nth).ask.add(note(nth))),
  often(60, (nth) => tally(nth * 7).tell.add(note(nth))),
  often(90, (nth) => tally(nth * 3).ask.total()),
  often(0.5, incident),
  often(0.2, (nth) => tally(nth).tell.fail(`no such product: ${nth}`)),
]);
await troupe.close();
