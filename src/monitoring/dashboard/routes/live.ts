// GET /api/live: what happens, as server-sent events.

import type { Hono } from "hono";
import { TroupeError } from "../../../core/errors.ts";
import { checkPattern, keyLengthMax } from "../../../kv/keys.ts";
import { feedAsked } from "../live-feed.ts";
import { neededTextOf, textOf, wordOf } from "../query.ts";
import type { DashboardSources } from "../sources.ts";

/** Comes to every client whatever it has asked for. */
const always = "health";

/** Added last: what can be listened to is what the others have registered. */
export function addLiveRoutes(app: Hono, { live }: DashboardSources): void {
  app.get("/api/live", (context) => {
    const named = neededTextOf(context, "topics").split(",");
    const known = live.topics.filter((topic) => topic !== always);
    for (const name of named) {
      if (known.includes(name)) continue;
      const text = `there is no topic ${JSON.stringify(name.slice(0, 40))}; there is ${known.join(", ")}`;
      throw new TroupeError("OPTION_INVALID", text);
    }
    const topics = [...new Set([...live.topics.filter((topic) => topic === always), ...named])];
    const pattern = textOf(context, "pattern", keyLengthMax);
    const headers = { "Content-Type": "text/event-stream", "X-Accel-Buffering": "no" };
    // Nobody would read what a client of the hub is given.
    if (context.req.method === "HEAD") return context.body(null, 200, headers);
    if (pattern !== undefined) checkPattern(pattern);
    const level = wordOf(context, "level", ["warn", "error"] as const, undefined);
    const feed = feedAsked({ pattern, kind: textOf(context, "kind"), method: textOf(context, "method"), level });
    const stream = live.listen(topics, pattern, { feed });
    return context.body(stream, 200, headers);
  });
}
