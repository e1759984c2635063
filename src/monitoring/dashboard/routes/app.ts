// What does not change while one looks.

import type { Hono } from "hono";
import type { AppView } from "../api/page.ts";
import type { DashboardSources } from "../sources.ts";

export function addAppRoutes(app: Hono, { troupe, inspector, clock, version, traceUrl }: DashboardSources): void {
  app.get("/api/app", (context) => {
    const { name, version: serverVersion, address } = inspector.server;
    const view: AppView = {
      app: troupe.app,
      version,
      server: { name, version: serverVersion, address },
      traceUrl,
      nowMs: Math.round(clock.now()),
    };
    return context.json(view);
  });
}
