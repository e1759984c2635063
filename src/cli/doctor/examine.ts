// Gathers what the doctor tells, and makes nothing on the server.

import { isTroupeError, messageOf } from "../../core/errors.ts";
import type { AppDiagnosis, Diagnosis, Finding } from "../../monitoring/doctor/diagnosis.ts";
import { explainSurvival } from "../../monitoring/doctor/durability.ts";
import { findingsOf } from "../../monitoring/doctor/findings.ts";
import { readPools, sumOf } from "../../monitoring/pool-picture.ts";
import { loadCluster } from "../../monitoring/read-cluster.ts";
import type { AppFacts, Inspector } from "../../runtime/inspect.ts";
import { syncOfVarz } from "../../runtime/inspect.ts";
import { CommandFailure } from "../failure.ts";
import { findLocalServer } from "../local-server/start.ts";
import { openClient, withInspector } from "../open-app.ts";
import type { Settings } from "../settings.ts";

export interface Examination {
  readonly diagnosis: Diagnosis;
  readonly findings: readonly Finding[];
}

/** What `sync_interval` is when nothing is said to nats-server. Unit: ms. */
const syncMsDefault = 120_000;
const monitorMsMax = 3_000;
/** Every server that we take says who this user is, and the doctor asks once: one that is busy is waited for. Unit: ms. */
const userMsMax = 5_000;

/** Rejects with SERVER_UNREACHABLE; whatever else is wrong is a finding. */
export async function examine(settings: Settings, monitorUrl: string | undefined): Promise<Examination> {
  return withInspector(settings, async (inspector) => {
    const user = await inspector.user(userMsMax);
    const base = { app: settings.app, server: inspector.server, user };
    const unusable = await findUnusable(inspector);
    if (unusable !== undefined) {
      const nothing = { account: undefined, sync: undefined, found: undefined, otherApps: [] };
      return { diagnosis: { ...base, ...nothing }, findings: [unusable] };
    }
    const [account, sync, app, otherApps] = await Promise.all([
      inspector.account(),
      readSync(inspector, settings, monitorUrl),
      inspector.app(),
      inspector.apps(),
    ]);
    const found =
      app === undefined ? undefined : await examineApp(inspector, settings, app, user?.clockAheadMs ?? 0, sync);
    const diagnosis: Diagnosis = { ...base, account, sync, found, otherApps };
    return { diagnosis, findings: findingsOf(diagnosis) };
  });
}

/** Too old, or without JetStream: then there is nothing else to see. */
async function findUnusable(inspector: Inspector): Promise<Finding | undefined> {
  try {
    await inspector.check();
    return undefined;
  } catch (thrown) {
    if (!isTroupeError(thrown) || thrown.code === "SERVER_UNREACHABLE") throw thrown;
    return { id: "unusable", level: "problem", text: thrown.message, remedy: thrown.remedy };
  }
}

async function readSync(
  inspector: Inspector,
  settings: Settings,
  monitorUrl: string | undefined,
): Promise<Diagnosis["sync"]> {
  if (monitorUrl !== undefined) {
    const sync = syncOfVarz(await readVarz(monitorUrl));
    if (sync !== undefined) return { ...sync, source: "its monitoring" };
  }
  const told = await inspector.sync();
  if (told !== undefined) return { ...told, source: "the server" };
  const local = settings.urls.length === 1 ? await findLocalServer() : undefined;
  if (local === undefined || local.url !== settings.urls[0]) return undefined;
  const source = "this folder's server, which runs with the defaults";
  return { isAlways: false, intervalMs: syncMsDefault, source };
}

async function readVarz(monitorUrl: string): Promise<unknown> {
  try {
    const answer = await fetch(new URL("/varz", monitorUrl), { signal: AbortSignal.timeout(monitorMsMax) });
    return await answer.json();
  } catch (thrown) {
    const reason = thrown instanceof Error && thrown.cause !== undefined ? messageOf(thrown.cause) : messageOf(thrown);
    const text = `cannot read the server's monitoring at ${monitorUrl}: ${reason}`;
    throw new CommandFailure("USAGE", text, "Name it as in --monitor http://127.0.0.1:8222, or leave it out.", thrown);
  }
}

async function examineApp(
  inspector: Inspector,
  settings: Settings,
  facts: AppFacts,
  clockAheadMs: number,
  sync: Diagnosis["sync"],
): Promise<AppDiagnosis> {
  const { pools, streams } = facts;
  await using troupe = await openClient(inspector, settings, facts);
  const cluster = await loadCluster(troupe, inspector, pools, clockAheadMs);
  const waiting = sumOf(cluster.partitions);
  const mail = streams.find(({ role }) => role === "mail");
  return {
    pools,
    byPool: readPools(cluster),
    streams,
    survival: explainSurvival(streams, sync),
    workers: cluster.workers,
    unowned: cluster.partitions.filter(({ owner }) => owner === null).length,
    mail: {
      stored: mail?.messages ?? 0,
      timers: await inspector.timers(),
      waiting: waiting.lag,
      waitingPartitions: waiting.waitingPartitions,
      oldestWaitingMs: waiting.oldestMs ?? 0,
      duplicateWindowMs: mail?.duplicateWindowMs ?? 0,
    },
    deadLetters: streams.find(({ role }) => role === "dead")?.messages ?? 0,
  };
}
