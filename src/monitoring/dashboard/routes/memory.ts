// Memory: how much agents remember and how fast that grows, and what is in it.

import type { Context, Hono } from "hono";
import type { ContextStore } from "../../../memory/context-store.ts";
import type { Scope } from "../../../memory/scope.ts";
import { parseScope, scopeKey } from "../../../memory/scope.ts";
import { pageOfScopes } from "../../scope-page.ts";
import type { FactsView, LogView, RecallView, RetentionView } from "../api/memory.ts";
import { entryRowOf, factHistoryOf, factRowOf, hitRowOf, memoryViewOf } from "../memory-view.ts";
import { notFound } from "../problem.ts";
import { neededTextOf, textOf, wholeOf, wordOf } from "../query.ts";
import { readRetention } from "../retention-view.ts";
import type { DashboardSources } from "../sources.ts";

const rowLimits = { least: 1, most: 500, otherwise: 50 } as const;
const hitLimits = { least: 1, most: 100, otherwise: 10 } as const;
/** Longest key text of a scope. Unit: characters. */
const scopeCharsMax = 1_024;

export function addMemoryRoutes(app: Hono, sources: DashboardSources): void {
  const { memory: monitor, state, clock } = sources;
  state.listen({
    onEntry: (entry, isSnapshot) => {
      if (!isSnapshot) monitor.wrote("state", entry);
    },
  });
  app.get("/api/memory", (context) => context.json(memoryViewOf(monitor)));
  app.get("/api/memory/scopes", (context) => {
    const { rows, cursor, total } = pageOfScopes(monitor.scopes(), {
      search: textOf(context, "search"),
      sort: wordOf(context, "sort", ["bytes", "key"], "bytes"),
      limit: wholeOf(context, "limit", rowLimits),
      cursor: textOf(context, "cursor", scopeCharsMax + 20),
    });
    return context.json({ rows, cursor: cursor ?? null, total });
  });
  app.get("/api/memory/log", async (context) => context.json(await readLog(sources, context)));
  app.get("/api/memory/facts", async (context) => context.json(await readFacts(sources, context)));
  app.get("/api/memory/facts/history", async (context) => {
    const scope = scopeOf(context);
    const name = neededTextOf(context, "name");
    const versions = await (await memoryOf(sources, scope)).facts(scope).history(name);
    return context.json(factHistoryOf(name, versions));
  });
  app.get("/api/memory/recall", async (context) => context.json(await recall(sources, context)));
  app.get("/api/memory/retention", async (context) => {
    const memory = await openMemory(sources);
    const nothing: RetentionView = { scopes: [], note: "Nothing is remembered yet." };
    return context.json(memory === undefined ? nothing : await readRetention(memory.stores, monitor.scopes(), clock));
  });
}

/** Undefined while there is none: looking makes no buckets. */
async function openMemory({ inspector, troupe }: DashboardSources): Promise<ContextStore | undefined> {
  const isThere = await Promise.all([inspector.hasBucket("memory"), inspector.hasBucket("facts")]);
  return isThere.every(Boolean) ? troupe.memory() : undefined;
}

async function memoryOf(sources: DashboardSources, scope: Scope): Promise<ContextStore> {
  const memory = await openMemory(sources);
  if (memory !== undefined) return memory;
  throw notFound(`a memory of ${scopeKey(scope).slice(0, 200)}`, "No agent of this app has remembered anything yet.");
}

/** Throws OPTION_INVALID, SCOPE_INVALID. */
function scopeOf(context: Context): Scope {
  return parseScope(neededTextOf(context, "scope", scopeCharsMax));
}

async function readLog(sources: DashboardSources, context: Context): Promise<LogView> {
  const scope = scopeOf(context);
  const limit = wholeOf(context, "limit", rowLimits);
  const before = wholeOf(context, "before", { least: 0, most: Number.MAX_SAFE_INTEGER, otherwise: -1 });
  const memory = await memoryOf(sources, scope);
  // One more than is shown says whether there are older ones.
  const bounds = { last: limit + 1, ...(before < 0 ? {} : { before }) };
  const entries = await memory.log(scope).read(bounds).toArray();
  const shown = entries.slice(-limit);
  const oldest = entries.length > limit ? shown[0] : undefined;
  return {
    scope: scopeKey(scope),
    entries: shown.map(entryRowOf),
    before: oldest === undefined ? null : String(oldest.position),
  };
}

async function readFacts(sources: DashboardSources, context: Context): Promise<FactsView> {
  const scope = scopeOf(context);
  const limit = wholeOf(context, "limit", { ...rowLimits, otherwise: 500 });
  const cursor = textOf(context, "cursor");
  const memory = await memoryOf(sources, scope);
  const page = await memory.facts(scope).list({ limit, ...(cursor === undefined ? {} : { cursor }) });
  return { scope: scopeKey(scope), facts: page.facts.map(factRowOf), cursor: page.cursor ?? null };
}

async function recall(sources: DashboardSources, context: Context): Promise<RecallView> {
  const scope = scopeOf(context);
  const query = neededTextOf(context, "q");
  const k = wholeOf(context, "k", hitLimits);
  const memory = await memoryOf(sources, scope);
  const startMs = sources.clock.monotonicMs();
  const { hits, degraded } = await memory.recall(query, { k, scopes: scope });
  const tookMs = sources.clock.monotonicMs() - startMs;
  return { query, hits: hits.map(hitRowOf), tookMs, isDegraded: degraded !== undefined };
}
