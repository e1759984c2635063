// Those that an incident touches: services that can be mended or made worse, people on call, a backlog. Each keeps what was done to
// it, so that one can count. The customers are those of the support desk.

import { z } from "zod";
import { defineActor, handler, query } from "../../src/index.ts";

const remedy = z.enum(["restart", "scale-out", "rollback"]);
export type Remedy = z.infer<typeof remedy>;

/** A service. Only one remedy helps it; any other makes it worse as long as it is applied. */
export const Service = defineActor(
  "service",
  {
    state: z.object({ cure: remedy, applied: z.array(remedy), history: z.array(z.string()) }),
    initial: { cure: "restart", applied: [], history: [] },
  },
  {
    ailFrom: handler(remedy, (ctx, cure) => {
      ctx.state.cure = cure;
    }),
    apply: handler(remedy, (ctx, name) => {
      ctx.state.applied.push(name);
      ctx.state.history.push(`apply ${name}`);
    }),
    revert: handler(remedy, (ctx, name) => {
      ctx.state.applied = ctx.state.applied.filter((applied) => applied !== name);
      ctx.state.history.push(`revert ${name}`);
    }),
    health: query((ctx): "well" | "ill" | "worse" => {
      const { applied, cure } = ctx.state;
      if (applied.includes(cure)) return "well";
      return applied.length === 0 ? "ill" : "worse";
    }),
  },
);

/** A list of lines that somebody reads: a person's pager, a customer's mail, the backlog. */
export const Notes = defineActor(
  "notes",
  { state: z.object({ lines: z.array(z.string()) }), initial: { lines: [] } },
  {
    add: handler(z.string(), (ctx, line) => {
      ctx.state.lines.push(line);
    }),
  },
);

/** What a model would say; here it is words that one can look for. */
export function assess(report: string): { readonly severity: "low" | "high" | "critical"; readonly remedy: Remedy } {
  const has = (...words: readonly string[]) => words.some((word) => report.toLowerCase().includes(word));
  const severity = has("down", "outage", "data loss") ? "critical" : has("slow", "errors") ? "high" : "low";
  return { severity, remedy: has("deploy", "release") ? "rollback" : has("slow") ? "scale-out" : "restart" };
}
