// Actors: found, looked at, looked back at.

import type { Context, Hono } from "hono";
import { TroupeError } from "../../../core/errors.ts";
import type { ActorAddress } from "../../../core/ids.ts";
import { checkName, keyOf, printAddress } from "../../../core/ids.ts";
import type { ActorOrder, ActorPlace, IndexedActor } from "../../actor-index.ts";
import type { RecentFailures } from "../../recent-failures.ts";
import { printActorHistory, readStoredValue } from "../actor-past.ts";
import { readActorScopes } from "../actor-scopes.ts";
import { readActor, readActorMailbox } from "../actor-view.ts";
import type { ActorRow, ActorsNow, ActorsPage } from "../api/actors.ts";
import { changesTopic } from "../changes-topic.ts";
import { notFound } from "../problem.ts";
import { neededTextOf, partOf, textOf, wholeOf, wordOf } from "../query.ts";
import type { DashboardSources } from "../sources.ts";

const orders = ["changed", "key", "bytes"] as const;
const filters = ["stopped", "failing", "pending"] as const;
/** Of keys that are asked for by name: those of a page, as long as they may be. */
const keysCharsMax = 12_000;
const json = { "Content-Type": "application/json" };
const pageBounds = { least: 1, most: 200, otherwise: 50 };

export function addActorRoutes(app: Hono, sources: DashboardSources): void {
  const { actors: index, failures, statuses, clock, live, state } = sources;
  const rowOf = (actor: IndexedActor) => actorRow(actor, statuses.of(actor.key));
  live.register("changes", changesTopic({ index, clock, rowOf }));

  app.get("/api/actors", (context) => {
    const order = wordOf(context, "sort", orders, "changed");
    const { actors, total, end } = index.find({
      ...{ type: textOf(context, "type"), search: textOf(context, "search"), order },
      only: filterOf(context, failures),
      most: wholeOf(context, "limit", pageBounds),
      after: placeOf(context, order),
    });
    const page: ActorsPage = {
      ...{ rows: actors.map(rowOf), total, types: index.types },
      cursor: end === undefined ? null : `${order}~${end.value}~${end.key}`,
      isComplete: state.isCurrent && !index.isFull,
    };
    return context.json(page);
  });
  app.get("/api/actors-now", (context) => {
    const keys = neededTextOf(context, "keys", keysCharsMax).split(",");
    return context.json({ rows: keys.flatMap((key) => index.get(key) ?? []).map(rowOf) } satisfies ActorsNow);
  });
  app.get("/api/actors/:type/:id", async (context) => {
    const actor = addressIn(context);
    const view = await readActor(sources, actor, statuses.of(keyOf(actor)));
    if (view === undefined)
      throw notFound(printAddress(actor), "It has no committed value: nothing has changed it yet.");
    return context.json(view);
  });
  app.get("/api/actors/:type/:id/history", async (context) =>
    context.body(await printActorHistory(sources, addressIn(context)), 200, json),
  );
  app.get("/api/actors/:type/:id/value", async (context) => {
    const actor = addressIn(context);
    const revision = wholeOf(context, "revision", { least: 1, most: Number.MAX_SAFE_INTEGER, otherwise: 0 });
    const value = await readStoredValue(sources, actor, revision === 0 ? undefined : revision);
    if (value === undefined)
      throw notFound(`that value of ${printAddress(actor)}`, "It is no longer kept: look at the latest.");
    return context.body(new Uint8Array(value), 200, json);
  });
  app.get("/api/actors/:type/:id/mailbox", async (context) =>
    context.json(await readActorMailbox(sources, addressIn(context))),
  );
  app.get("/api/actors/:type/:id/scopes", async (context) =>
    context.json(await readActorScopes(sources, addressIn(context))),
  );
}

function actorRow(actor: IndexedActor, status: string | null): ActorRow {
  const { type, id, revision, changedAtMs, bytes, pendingSends, isStopped, trace, glimpse } = actor;
  return { type, id, revision, changedAtMs, bytes, pendingSends, isStopped, trace, status, glimpse };
}

/** Throws NAME_INVALID, ID_INVALID. */
function addressIn(context: Context): ActorAddress {
  const actor = { type: checkName("an actor type", context.req.param("type") ?? ""), id: partOf(context, "id") };
  keyOf(actor);
  return actor;
}

function filterOf(
  context: Context,
  failures: Pick<RecentFailures, "has">,
): ((actor: IndexedActor) => boolean) | undefined {
  switch (wordOf(context, "only", filters, undefined)) {
    case undefined:
      return undefined;
    case "stopped":
      return ({ isStopped }) => isStopped;
    case "pending":
      return ({ pendingSends }) => pendingSends > 0;
    case "failing":
      return ({ key }) => failures.has(key);
  }
}

/** Throws OPTION_INVALID. */
function placeOf(context: Context, order: ActorOrder): ActorPlace | undefined {
  const text = textOf(context, "cursor", 1_100);
  if (text === undefined) return undefined;
  const [, of, value, key] = /^(\w+)~(\d{1,15})~(.+)$/.exec(text) ?? [];
  if (of === order && key !== undefined) return { value: Number(value), key };
  const what = `\`cursor\` is what the page before it has said, for the same \`sort\`; got ${JSON.stringify(text.slice(0, 80))}`;
  throw new TroupeError("OPTION_INVALID", what);
}
