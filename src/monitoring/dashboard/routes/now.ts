// The first view: the second that was, and the ten minutes before it.

import type { Hono } from "hono";
import { TroupeError } from "../../../core/errors.ts";
import type { PastView } from "../api/now.ts";
import { latest } from "../live-topic.ts";
import type { DashboardSources } from "../sources.ts";

export function addNowRoutes(app: Hono, { now, live }: DashboardSources): void {
  app.get("/api/now", (context) => {
    const { view } = now;
    if (view === undefined) throw new TroupeError("SERVER_UNREACHABLE", "no second has been read yet");
    return context.json(view);
  });
  app.get("/api/now/past", (context) => context.json({ seconds: now.past } satisfies PastView));
  live.register("now", { merge: latest, open: (publish) => now.onSecond(publish), first: () => now.view });
  const { health } = now;
  live.register("health", { merge: latest, open: (publish) => health.onChange(publish), first: () => health.view });
}
