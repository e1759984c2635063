// Messages: what happens now, what was given up on, with the reason and the ways out, and the end of a worker.

import type { Context, Hono } from "hono";
import { TroupeError } from "../../../core/errors.ts";
import { addressOf, checkName } from "../../../core/ids.ts";
import { madeTraceIdOf } from "../../../core/trace.ts";
import { drainWorker } from "../../../runtime/control.ts";
import type { BuriedMail } from "../../../runtime/dead-letters.ts";
import { dropDeadLetter, readDeadLetter, replayDeadLetter } from "../../../runtime/dead-letters.ts";
import { workerKey } from "../../../runtime/subjects.ts";
import { perform } from "../action.ts";
import type { DeadRow } from "../api/messages.ts";
import { DeadList, deadSourceOf } from "../dead-list.ts";
import { feedTopic } from "../live-feed.ts";
import { notFound, Refusal } from "../problem.ts";
import { textOf, wholeOf } from "../query.ts";
import type { DashboardSources } from "../sources.ts";

const limits = { least: 1, most: 500, otherwise: 50 } as const;
/** Characters of an argument that are shown. */
const inputLengthMax = 2_000;
/** How long a worker may take to hear that it is to drain. Unit: ms. */
const tellMsMax = 5_000;

export function addMessageRoutes(app: Hono, sources: DashboardSources): void {
  const { inspector, clock, log } = sources;
  const dead = new DeadList(deadSourceOf(inspector, clock));
  sources.live.register("feed", feedTopic(sources));
  app.get("/api/dead", async (context) => {
    const type = textOf(context, "type");
    if (type !== undefined) checkName("an actor type", type);
    const filter = { type, code: textOf(context, "code") };
    const below = wholeOf(context, "cursor", { least: 1, most: Number.MAX_SAFE_INTEGER, otherwise: 0 });
    const page = await dead.page(filter, wholeOf(context, "limit", limits), below === 0 ? undefined : below);
    const cursor = page.cursor === undefined ? null : String(page.cursor);
    return context.json({ rows: page.letters.map(deadRowOf), cursor, total: page.total });
  });
  app.post("/api/dead/:sequence/replay", (context) =>
    perform(context, log, { action: "replay", on: `dead letter ${context.req.param("sequence")}` }, async () => {
      return replay(sources, sequenceOf(context));
    }),
  );
  app.post("/api/dead/:sequence/drop", (context) =>
    perform(context, log, { action: "drop", on: `dead letter ${context.req.param("sequence")}` }, async () => {
      const { sequence } = await letterAt(sources, sequenceOf(context));
      await dropDeadLetter(inspector, sequence);
      return `dead letter ${sequence} is forgotten`;
    }),
  );
  app.post("/api/workers/:worker/drain", (context) =>
    perform(context, log, { action: "drain", on: `worker ${context.req.param("worker")}` }, () => {
      return drain(sources, context.req.param("worker"));
    }),
  );
}

/** Throws OPTION_INVALID. */
function sequenceOf(context: Context): number {
  const text = context.req.param("sequence") ?? "";
  if (/^[1-9]\d{0,15}$/.test(text)) return Number(text);
  throw new TroupeError("OPTION_INVALID", `a dead letter has a whole number, got ${JSON.stringify(text.slice(0, 40))}`);
}

async function letterAt({ inspector }: DashboardSources, sequence: number): Promise<BuriedMail> {
  const letter = await readDeadLetter(inspector, sequence);
  if (letter !== undefined) return letter;
  throw notFound(`the dead letter ${sequence}`, "It was sent again or forgotten meanwhile: look at the list.");
}

async function replay(sources: DashboardSources, sequence: number): Promise<string> {
  const { inspector, troupe } = sources;
  const letter = await letterAt(sources, sequence);
  const { mail, partitionOf } = await troupe.routeOfType(letter.key.split(".")[0] ?? "");
  const resent = await replayDeadLetter(inspector, mail, partitionOf(letter.key), letter);
  return `dead letter ${sequence} waits in the mailbox of ${letter.key} again, as message ${resent}`;
}

/** The worker finishes what it has begun and ends: nobody waits here until it has. */
async function drain({ troupe }: DashboardSources, worker: string): Promise<string> {
  const { mail, cluster } = troupe.ports;
  const known = /^[0-9A-Za-z]{1,64}$/.test(worker) ? await cluster.get(workerKey(worker)) : undefined;
  if (known === undefined) throw notFound(`the worker ${worker.slice(0, 64)}`, "Look at the workers that live.");
  const answer = await drainWorker(mail, worker, tellMsMax);
  if (answer === "alive") return `worker ${worker} drains`;
  const [why, remedy] =
    answer === "nobody"
      ? ["is not connected", "If its process has ended, the others take over what it had."]
      : [`did not answer in ${tellMsMax} ms`, "It may be frozen or overloaded: look at its process, and try again."];
  throw new Refusal(503, "WORKER_UNREACHABLE", `the worker ${worker} ${why}`, remedy);
}

function deadRowOf(letter: BuriedMail): DeadRow {
  const { sequence, key, method, code, reason, attempts, from, trace, buriedAt, payload, droppedBytes } = letter;
  const address = addressOf(key);
  return {
    ...{ sequence, type: address?.type ?? null, id: address?.id ?? null, method, code, reason, attempts },
    ...{ from: from ?? null, trace: madeTraceIdOf(trace) ?? null, buriedAtMs: buriedAt.getTime() },
    input: droppedBytes === undefined ? new TextDecoder().decode(payload).slice(0, inputLengthMax) : null,
  };
}
