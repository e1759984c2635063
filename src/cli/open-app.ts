// A client for one command: connected, its app looked for before anything could be made, and closed whatever happens.

import { messageOf } from "../core/errors.ts";
import { EventStream } from "../core/events.ts";
import { TroupeClient } from "../runtime/client.ts";
import type { AppFacts, Inspector } from "../runtime/inspect.ts";
import { openInspector } from "../runtime/inspect.ts";
import { CommandFailure } from "./failure.ts";
import type { Settings } from "./settings.ts";
import { poolDefault } from "./settings.ts";
import { traced } from "./traced.ts";

export interface OpenApp {
  readonly troupe: TroupeClient;
  readonly inspector: Inspector;
  readonly facts: AppFacts;
}

export interface OpenAppOptions {
  /** Makes the app when it is not there. Default false: APP_NOT_FOUND. */
  readonly mayMake?: boolean;
}

/**
 * Runs `work` with a client, to which types that no worker has had yet belong to the first pool that is named. Rejects with
 * APP_NOT_FOUND, LAYOUT_MISMATCH (a pool that the app has not), and as `connect` does.
 */
export function withApp<Result>(
  settings: Settings,
  work: (app: OpenApp) => Promise<Result>,
  { mayMake = false }: OpenAppOptions = {},
): Promise<Result> {
  return traced(settings, "troupe-cli", () =>
    withInspector(settings, async (inspector) => {
      await inspector.check();
      const before = await inspector.app();
      if (before === undefined && !mayMake) throw await appNotFound(inspector, settings);
      if (before !== undefined) for (const pool of settings.pools) inspector.checkPool(before, pool);
      await using troupe = await openClient(inspector, settings, before);
      const facts = before ?? (await inspector.app());
      if (facts === undefined) throw await appNotFound(inspector, settings);
      return await work({ troupe, inspector, facts });
    }),
  );
}

/** Makes the pool if it is not there, so one of those that are. */
export async function openClient(
  inspector: Inspector,
  { app, pools: named }: Pick<Settings, "app" | "pools">,
  facts: AppFacts | undefined,
): Promise<TroupeClient> {
  const standing = Object.keys(facts?.pools ?? {});
  const pool = named[0] ?? (standing.length === 0 || standing.includes(poolDefault) ? poolDefault : standing[0]);
  const ports = await inspector.openPorts({ app, pool: pool ?? poolDefault, partitionCount: undefined });
  return new TroupeClient(app, ports, new EventStream());
}

/** Runs `work` with a look at the server, which is closed after it. */
export async function withInspector<Result>(
  settings: Settings,
  work: (inspector: Inspector) => Promise<Result>,
): Promise<Result> {
  const { app, nats, urls } = settings;
  await using inspector = await openInspector({ app, nats: { ...nats, servers: [...urls] } });
  return await work(inspector);
}

async function appNotFound(inspector: Inspector, { app, urls }: Settings): Promise<CommandFailure> {
  const apps = await inspector.apps().catch((thrown: unknown) => [`(${messageOf(thrown)})`]);
  const known = apps.length === 0 ? "it has none" : `it has: ${apps.join(", ")}`;
  return new CommandFailure(
    "APP_NOT_FOUND",
    `no app named ${app} here (${urls.join(", ")}); ${known}`,
    "Start a worker, which makes it (`troupe worker FILE`), or name another with --app or --server.",
  );
}
