// What is wrong, or worth knowing, about what the doctor has seen. Pure.

import { count, printBytes, printSpan } from "../../core/amounts.ts";
import type { AccountFacts, UserFacts } from "../../runtime/inspect.ts";
import type { PoolFacts } from "../pool-picture.ts";
import type { AppDiagnosis, Diagnosis, Finding } from "./diagnosis.ts";
import { findingsOfPools } from "./pool-findings.ts";

/** Share of a limit from which on it is worth a warning. */
const fullFrom = 0.8;
/** A message that waits for longer is not just on its way: cursors are saved about once a second. Unit: ms. */
export const waitingMsMin = 5_000;
/** Timers fire by the server's clock. Unit: ms. */
const clockAheadMsMax = 1_000;

export function findingsOf(diagnosis: Diagnosis): readonly Finding[] {
  const { app, found } = diagnosis;
  if (found === undefined) return [...aboutServer(diagnosis), ...aboutMissingApp(diagnosis)];
  return [
    ...aboutServer(diagnosis),
    ...aboutStreams(found),
    ...aboutCopies(diagnosis, found),
    ...aboutWork(app, found),
  ];
}

function aboutServer({ user, account, sync }: Diagnosis): Finding[] {
  return [...aboutClock(user), ...(sync === undefined ? [unreadableSync] : []), ...aboutLimits(account)];
}

export function aboutClock(user: UserFacts | undefined): Finding[] {
  if (user === undefined || Math.abs(user.clockAheadMs) <= clockAheadMsMax + user.roundTripMs) return [];
  const way = user.clockAheadMs > 0 ? "ahead of" : "behind";
  return [
    {
      id: "clock",
      level: "warning",
      text: `The server's clock is ${printSpan(Math.abs(user.clockAheadMs))} ${way} this machine's.`,
      remedy: "Set both by NTP: timers fire by the server's clock.",
    },
  ];
}

const unreadableSync: Finding = {
  id: "sync",
  level: "note",
  text: "How often the server syncs its disk cannot be read as this user.",
  remedy:
    "Name the server's monitoring with --monitor http://HOST:8222, or look at `jetstream.config.sync_interval` in its /varz; the default is 2 min.",
};

export function aboutLimits(account: AccountFacts | undefined): Finding[] {
  const findings: Finding[] = [];
  if (account === undefined) return findings;
  const limits = [
    ["file storage", account.storageBytes, account.storageBytesMax, printBytes],
    ["memory", account.memoryBytes, account.memoryBytesMax, printBytes],
    ["streams", account.streams, account.streamsMax, String],
    ["consumers", account.consumers, account.consumersMax, String],
  ] as const;
  for (const [what, used, most, print] of limits) {
    if (most <= 0 || used < most * fullFrom) continue;
    findings.push({
      id: `limit:${what}`,
      level: "warning",
      text: `JetStream's limit of ${what} is nearly reached: ${print(used)} of ${print(most)}.`,
      remedy: "Raise the account's limit; at the limit writes are refused.",
    });
  }
  return findings;
}

function aboutMissingApp({ app, otherApps, account }: Diagnosis): Finding[] {
  if (account === undefined) return [];
  const known = otherApps.length === 0 ? "it has none" : `it has: ${otherApps.join(", ")}`;
  return [
    {
      id: "no-app",
      level: "problem",
      text: `There is no app named ${app} on this server; ${known}.`,
      remedy: "Start a worker, which makes it (`troupe worker FILE`), or name another with --app.",
    },
  ];
}

export function aboutStreams({ streams, survival }: Pick<AppDiagnosis, "streams" | "survival">): Finding[] {
  const findings: Finding[] = [];
  const killed = survival.find(({ mishap }) => mishap === "kill -9 of the server");
  if (killed !== undefined && killed.verdict !== "kept") {
    findings.push({
      id: "survival",
      level: "problem",
      text: `The death of the server process loses acknowledged messages or states. ${killed.text}`,
      remedy: "Make the streams anew with file storage and the default persist mode.",
    });
  }
  for (const { name, role, dropsOldest, bytesMax, messagesMax, ageMsMax, bytes } of streams) {
    if (role !== "dead" && (ageMsMax > 0 || (dropsOldest && (bytesMax > 0 || messagesMax > 0)))) {
      findings.push({
        id: `drops:${name}`,
        level: "problem",
        text: `${name} drops its oldest messages at a limit of size or age: that may be mail, states or cursors that still count.`,
        remedy: `Take the limit away: nats stream edit ${name} --max-bytes=-1 --max-msgs=-1 --max-age=0s`,
      });
    } else if (bytesMax > 0 && bytes > bytesMax * fullFrom) {
      findings.push({
        id: `full:${name}`,
        level: "warning",
        text: `${name} is nearly full: ${printBytes(bytes)} of ${printBytes(bytesMax)}.`,
        remedy: `Raise its limit: nats stream edit ${name} --max-bytes=…`,
      });
    }
  }
  return findings;
}

/** How the copies of the streams are, where there are several servers. */
export function aboutCopies(
  { server }: Pick<Diagnosis, "server">,
  { streams }: Pick<AppDiagnosis, "streams">,
): Finding[] {
  const findings: Finding[] = [];
  for (const { name, replicas, peers } of streams) {
    const behind = peers.filter(({ isCurrent, isOffline }) => isOffline || !isCurrent);
    if (behind.length === 0) continue;
    // A write needs a majority; the leader's own copy is no peer.
    const spare = replicas - behind.length - (Math.floor(replicas / 2) + 1);
    const rest =
      spare > 0
        ? `${count(spare, "more server")} may go before nothing can be written any more.`
        : "When one more server goes, nothing can be written any more.";
    findings.push({
      id: `copies:${name}`,
      level: "warning",
      text: `${name}: of its ${replicas} copies some lag behind or are offline: ${behind.map((peer) => peer.name).join(", ")}.`,
      remedy: `Look at these servers. ${rest}`,
    });
  }
  const alone = streams.filter(({ replicas }) => replicas === 1).map(({ name }) => name);
  if (server.cluster !== undefined && alone.length > 0) {
    findings.push({
      id: "one-copy",
      level: "warning",
      text: `The server is one of a cluster, but ${alone.join(", ")} lie on one server each: without it the app stands still.`,
      remedy: `Give each three copies: ${alone.map(threeCopies).join("; ")}`,
    });
  }
  return findings;
}

/** The command for it; for a bucket `nats stream edit` insists on a dialogue. */
function threeCopies(name: string): string {
  const bucket = name.startsWith("KV_") ? name.slice("KV_".length) : undefined;
  return bucket === undefined ? `nats stream edit ${name} --replicas=3` : `nats kv edit ${bucket} --replicas=3`;
}

function aboutWork(app: string, { workers, byPool, deadLetters }: AppDiagnosis): Finding[] {
  return [
    ...findingsOfPools({ app, pools: byPool, workers }),
    ...(workers.length > 0 ? aboutWaiting(byPool) : []),
    ...aboutDeadLetters(deadLetters),
  ];
}

/** Messages that wait although somebody owns their partition. */
export function aboutWaiting(byPool: readonly PoolFacts[]): Finding[] {
  const owned = byPool.map((pool) => pool.owned);
  const oldestMs = Math.max(0, ...owned.map((each) => each.oldestMs ?? 0));
  if (oldestMs <= waitingMsMin) return [];
  const lag = owned.reduce((sum, each) => sum + each.lag, 0);
  const partitions = owned.reduce((sum, each) => sum + each.waitingPartitions, 0);
  return [
    {
      id: "waiting",
      level: "warning",
      text: `${count(lag, "message")} wait in ${count(partitions, "partition")} that workers own, the oldest for ${printSpan(oldestMs)}.`,
      remedy: "Actors may be slow, or a message is being tried again: look at the workers' logs.",
    },
  ];
}

export function aboutDeadLetters(deadLetters: number): Finding[] {
  if (deadLetters === 0) return [];
  return [
    {
      id: "dead-letters",
      level: "warning",
      text: `${count(deadLetters, "message")} could not be handled: kept, with the reason, as dead letters.`,
      remedy: "See why with `troupe dead`, and send one again with `troupe dead replay NUMBER`.",
    },
  ];
}
