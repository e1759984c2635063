// `troupe ps`: the workers, what they own and what waits there, and the actors.

import type { Command } from "commander";
import { addressOf } from "../../core/ids.ts";
import type { ClusterPicture } from "../../monitoring/cluster-picture.ts";
import { placeOf } from "../../monitoring/cluster-picture.ts";
import { findingsOfPools } from "../../monitoring/doctor/pool-findings.ts";
import { readPools, sumOf } from "../../monitoring/pool-picture.ts";
import { loadCluster } from "../../monitoring/read-cluster.ts";
import type { Shell } from "../command.ts";
import { collect, makeCommand, optionsOf, settingsOf, wholeFrom } from "../command.ts";
import { usage } from "../failure.ts";
import type { OpenApp } from "../open-app.ts";
import { withApp } from "../open-app.ts";
import type { ActorRow, PsPicture } from "../print/ps.ts";
import { printPs } from "../print/ps.ts";
import type { Settings } from "../settings.ts";
import { poolDefault } from "../settings.ts";
import { patternOf } from "./watch.ts";

interface PsFlags {
  readonly limit: number;
  readonly partitions?: boolean;
}

const head = {
  usage: "ps [pattern]",
  summary: "List the workers, and the actors with where they live",
  description:
    "Shows the workers with what they own and how many messages wait there, and the actors that have a committed value, " +
    "with its revision, their partition and the worker that owns it. PATTERN is over `type.id`, as for `troupe watch`. What needs " +
    "somebody comes first: a worker that drains, a pool or a type that nobody serves, a partition without an owner.",
  examples: [
    ["troupe ps", "the workers, and the first hundred actors"],
    ["troupe ps counter --limit 0", "all counters"],
    ["troupe ps --partitions --pool gpu", "each partition of a pool: owner, epoch, cursor, lag"],
    ["troupe ps --json | jq '.workers[] | [.name, .lag]'", "for a program"],
  ],
} as const;

export function psCommand(shell: Shell): Command {
  return makeCommand(head)
    .option("--limit <n>", "actors to list at most; 0: all", wholeFrom(0), 100)
    .option("--partitions", "list the partitions instead of the actors")
    .option("--pool <name>", "only what is of this pool; may be given several times (default: all)", collect)
    .action(async (pattern: string | undefined, _flags, command: Command) => {
      const { terminal } = shell;
      const flags = optionsOf<PsFlags>(command);
      if (flags.partitions === true && pattern !== undefined) {
        throw usage("PATTERN is about actors, which --partitions does not list", "Leave out one of the two.");
      }
      const settings = await settingsOf(command, shell);
      const picture = await withApp(settings, (app) => look(app, settings, patternOf(pattern), flags));
      terminal.print(
        terminal.isJson ? JSON.stringify(picture) : printPs(picture, Date.now(), terminal.paint, terminal.width),
      );
    });
}

async function look(app: OpenApp, settings: Settings, pattern: string, flags: PsFlags): Promise<PsPicture> {
  const { troupe, inspector, facts } = app;
  const [user, keys] = await Promise.all([
    inspector.user(),
    flags.partitions === true ? undefined : troupe.list(pattern),
  ]);
  const whole = await loadCluster(troupe, inspector, facts.pools, user?.clockAheadMs ?? 0);
  const cluster = onlyOf(whole, settings.pools);
  const { workers, partitions } = cluster;
  const pools = readPools(cluster);
  const { lag, oldestMs } = sumOf(partitions);
  return {
    app: settings.app,
    findings: findingsOfPools({ app: settings.app, pools, workers: whole.workers }),
    workers,
    pools,
    partitions: {
      ...{ total: partitions.length, owned: partitions.filter(({ owner }) => owner !== null).length, lag, oldestMs },
      ...(keys === undefined ? { list: partitions } : {}),
    },
    ...(keys === undefined ? {} : await readActors(app, keys, whole, settings.pools, flags.limit)),
  };
}

/** What is of these pools; all when none is named. */
function onlyOf(picture: ClusterPicture, pools: readonly string[]): ClusterPicture {
  if (pools.length === 0) return picture;
  return {
    ...picture,
    workers: picture.workers.filter((worker) => worker.pools.some((pool) => pools.includes(pool))),
    partitions: picture.partitions.filter(({ pool }) => pools.includes(pool)),
  };
}

/** Values in one answer of the server. */
const readAtOnce = 500;

async function readActors(
  { troupe, facts }: OpenApp,
  keys: readonly string[],
  cluster: ClusterPicture,
  pools: readonly string[],
  limit: number,
): Promise<Required<Pick<PsPicture, "actors" | "total">>> {
  const poolOf = (key: string) => cluster.typePools.get(key.slice(0, key.indexOf("."))) ?? poolDefault;
  const matching = pools.length === 0 ? keys : keys.filter((key) => pools.includes(poolOf(key)));
  const shown = limit === 0 ? matching : matching.slice(0, limit);
  const actors: ActorRow[] = [];
  for (let at = 0; at < shown.length; at += readAtOnce) {
    const entries = await troupe.ports.state.getMany(shown.slice(at, at + readAtOnce));
    for (const { key, revision, writtenAtMs, value } of entries.values()) {
      const address = addressOf(key);
      if (address === undefined) continue;
      const place = placeOf(key, cluster, facts.pools, poolDefault);
      actors.push({
        ...address,
        revision,
        bytes: value.length,
        committedAt: new Date(writtenAtMs).toISOString(),
        pool: place?.pool ?? null,
        partition: place?.partition ?? null,
        worker: place?.owner ?? null,
      });
    }
  }
  return { actors, total: matching.length };
}
