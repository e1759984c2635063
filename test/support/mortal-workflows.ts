// Workflows for a worker that is killed in the middle of their tasks. With MORTAL in the environment tasks say that they are under way,
// and come to no end.

import { append, book, listWorkflow } from "../contract/workflow-actors.ts";

export { book };

const isMortal = process.env.MORTAL !== undefined;

const work = (name: string, options: { readonly taskPool?: string }) =>
  listWorkflow(
    name,
    ({ task }) => [
      task(
        "t",
        async (ctx) => {
          const worker = await ctx.step("once", () => String(process.pid));
          ctx.actor(book, "b").tell.add(ctx.run);
          if (!isMortal) return worker;
          process.stderr.write(`under way: ${name}\n`);
          return new Promise<string>(() => {});
        },
        { save: append },
      ),
      task("u", (ctx) => ctx.actor(book, "b").ask.add(`after ${ctx.run}`, { idempotencyKey: ctx.key }).then(String)),
    ],
    options,
  );

/** Its run carries its tasks out; the other's have actors of their own. */
export const own = work("own", {});
export const pooled = work("pooled", { taskPool: "main" });

export const held = listWorkflow(
  "held",
  ({ task }) =>
    task(
      "t",
      () => {
        if (isMortal) throw Object.assign(new Error("not here"), { code: "NOT_HERE" });
        return "done";
      },
      { save: append, retry: { attempts: 1 } },
    ),
  { onFailure: "hold" },
);
