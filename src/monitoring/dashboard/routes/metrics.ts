// GET /metrics: the figures of the app as a whole, for Prometheus. Those of a worker are at the worker's own address.

import type { Hono } from "hono";
import { TroupeError } from "../../../core/errors.ts";
import { clusterSeries, workflowsOf } from "../../cluster-figures.ts";
import { metricsContentType, metricsText } from "../../metrics-text.ts";
import type { DashboardSources } from "../sources.ts";

export function addMetricsRoute(app: Hono, sources: DashboardSources): void {
  const { troupe, now, memory, runs, version } = sources;
  const about = { "service.name": `${troupe.app}-dashboard`, "service.version": version, app: troupe.app };
  app.get("/metrics", async (context) => {
    const { view, cluster } = now;
    const { state, reason } = now.health.view;
    // Prometheus marks the target as down then, where old figures would look like figures of now.
    if (view === undefined || cluster === undefined || state === "stale") {
      throw new TroupeError("SERVER_UNREACHABLE", `there are no figures of now: ${reason ?? "none has been read yet"}`);
    }
    const { atMs } = view;
    const workflows = runs.isCurrent ? new Set([...runs.index.workflows, ...workflowsOf(cluster)]) : [];
    const series = clusterSeries({
      ...{ atMs, cluster, memory: memory.figures() },
      runs: [...workflows].map((name) => [name, runs.index.phasesOf(name)] as const),
    });
    const text = await metricsText({ startedAtMs: atMs, atMs, series }, { labels: { app: troupe.app }, about });
    return context.body(text, 200, { "Content-Type": metricsContentType });
  });
}
