// The actor that writes a run's progress to the central state store.
//
//   N1. A run tells its news with the commit that made it (P3): what never came to be is not told, what has is told however many
//       workers die, in order.
//   N2. The run does not wait for the store: news waits in this actor's mail, which is tried again for a minute and a half, and then is a
//       dead letter. The next news holds all of it.

import { defineActor, handler } from "../actors/definition.ts";
import type { ActorAddress } from "../core/ids.ts";
import { keyOf } from "../core/ids.ts";
import { originLengthMax } from "../memory/state-value.ts";
import type { ProgressSink } from "./hooks.ts";
import type { RunNews } from "./progress.ts";
import { newsOf, writeProgress } from "./progress.ts";
import { anyObject } from "./task-actor.ts";
import { internalSchema } from "./task-order.ts";

const attemptsMax = 30;
/** It keeps nothing: no value of it is ever written. */
const nothing = {};

export function defineNewsActor(type: string, pool: string | undefined) {
  const runType = type.replace(/-news$/, "");
  const authorOf = (run: ActorAddress) => keyOf({ type: runType, id: run.id }).slice(0, originLengthMax);
  return defineActor(
    type,
    {
      state: anyObject,
      initial: () => nothing,
      retry: { attempts: attemptsMax },
      ...(pool === undefined ? {} : { pool }),
    },
    {
      write: handler(internalSchema<RunNews>("phase", "data", "cause"), async (ctx, news): Promise<void> => {
        await writeProgress((await ctx.states()).by(authorOf(ctx.self)), news);
      }),
    },
  );
}

/** The sink that a definition asks for. */
export function sinkOf(
  progress: "central" | "none" | ProgressSink,
  news: ReturnType<typeof defineNewsActor>,
): ProgressSink | undefined {
  if (progress === "none") return undefined;
  if (progress !== "central") return progress;
  return { write: (ctx, made) => ctx.actor(news, ctx.run).tell.write(newsOf(made)) };
}
