// A worker that is closed while commits are under way: they may stand all the same, and what they order is for the next owner.

import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runScript } from "../support/script-run.ts";

const script = fileURLToPath(new URL("../support/closing-worker.ts", import.meta.url));

test("A2: no task begins after the worker was closed, and its process ends by itself", async () => {
  await using run = runScript(script, {});
  expect(await run.next()).toBe("closed");
  expect(await run.next()).toEqual({ late: 0 });
  expect(await run.exited).toBe(0);
});
