// `troupe ps`: the actors that have a committed value, where they live, and the workers.

import type { Command } from "commander";
import { addressOf } from "../../core/ids.ts";
import type { ClusterPicture } from "../cluster-picture.ts";
import { placeOf } from "../cluster-picture.ts";
import type { Shell } from "../command.ts";
import { makeCommand, optionsOf, settingsOf, wholeFrom } from "../command.ts";
import type { OpenApp } from "../open-app.ts";
import { withApp } from "../open-app.ts";
import type { ActorRow, PsPicture } from "../print/ps.ts";
import { printPs } from "../print/ps.ts";
import { loadCluster } from "../read-cluster.ts";
import type { Settings } from "../settings.ts";
import { patternOf } from "./watch.ts";

const head = {
  usage: "ps [pattern]",
  summary: "List actors with where they live, and the workers",
  description:
    "Shows the actors that have a committed value, with its revision, their partition and the worker that owns it; and\n" +
    "the workers with their leases. PATTERN is over `type.id`, as for watch.",
  examples: [
    ["troupe ps", "the first hundred actors, and the workers"],
    ["troupe ps counter --limit 0", "all counters"],
    ["troupe ps --json | jq '.workers[].leaseMs'", "for a program"],
  ],
} as const;

export function psCommand(shell: Shell): Command {
  return makeCommand(head)
    .option("--limit <n>", "actors to list at most; 0: all", wholeFrom(0), 100)
    .action(async (pattern: string | undefined, _flags, command: Command) => {
      const { terminal } = shell;
      const { limit } = optionsOf<{ limit: number }>(command);
      const settings = await settingsOf(command, shell);
      const picture = await withApp(settings, (app) => look(app, settings, patternOf(pattern), limit));
      terminal.print(
        terminal.isJson ? JSON.stringify(picture) : printPs(picture, Date.now(), terminal.paint, terminal.width),
      );
    });
}

async function look(app: OpenApp, settings: Settings, pattern: string, limit: number): Promise<PsPicture> {
  const { troupe, inspector, facts } = app;
  const [user, keys] = await Promise.all([inspector.user(), troupe.list(pattern)]);
  const cluster = await loadCluster(troupe, facts.pools, user?.clockAheadMs ?? 0);
  const shown = limit === 0 ? keys : keys.slice(0, limit);
  const actors = await readActors(app, shown, cluster, settings.pool);
  return {
    app: settings.app,
    workers: cluster.workers,
    partitions: {
      total: cluster.partitions.length,
      owned: cluster.partitions.filter((p) => p.owner !== undefined).length,
    },
    actors,
    total: keys.length,
  };
}

/** Values in one answer of the server. */
const readAtOnce = 500;

async function readActors(
  { troupe, facts }: OpenApp,
  keys: readonly string[],
  cluster: ClusterPicture,
  pool: string,
): Promise<ActorRow[]> {
  const rows: ActorRow[] = [];
  for (let at = 0; at < keys.length; at += readAtOnce) {
    const entries = await troupe.ports.state.getMany(keys.slice(at, at + readAtOnce));
    for (const { key, revision, writtenAtMs, value } of entries.values()) {
      const address = addressOf(key);
      if (address === undefined) continue;
      const place = placeOf(key, cluster, facts.pools, pool);
      rows.push({
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
  return rows;
}
