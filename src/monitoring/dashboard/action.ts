// What somebody does from the page: carried out, written to the log with who asked from where and what came of it, and answered.

import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { TroupeError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import type { Done } from "./api/workflows.ts";
import { refusalOf } from "./problem.ts";

export interface Action {
  /** What is done: "replay", "signal", "drain". */
  readonly action: string;
  /** On what. */
  readonly on: string;
}

/** Longest body of a request. */
const bodyBytesMax = 1_048_576;

/** `act` returns what was done, in a sentence. */
export async function perform(
  context: Context,
  log: Logger,
  { action, on }: Action,
  act: () => Promise<string>,
): Promise<Response> {
  const fields = { action, on, from: addressOf(context) };
  try {
    const done: Done = { text: await act() };
    log.info(fields, "done from the dashboard");
    return context.json(done);
  } catch (thrown) {
    const { code, message } = refusalOf(thrown).problem;
    log.warn({ ...fields, code, reason: message }, "refused from the dashboard");
    throw thrown;
  }
}

/** Of whoever is at the other end of the connection. */
function addressOf(context: Context): string {
  try {
    const { address = "unknown", port } = getConnInfo(context).remote;
    return port === undefined ? address : `${address}:${port}`;
  } catch {
    // Asked within the process, as tests do: there is no connection.
    return "this process";
  }
}

/** Refuses what is longer than anything that is asked for here, before it is read. */
export const boundedBody: MiddlewareHandler = bodyLimit({
  maxSize: bodyBytesMax,
  onError: () => {
    throw new TroupeError("INPUT_INVALID", `the body holds at most ${bodyBytesMax} bytes`);
  },
});

/** The object that a request brings. Throws INPUT_INVALID for what is none. */
export async function bodyOf(context: Context): Promise<Readonly<Record<string, unknown>>> {
  const text = await context.req.text();
  let body: unknown;
  try {
    body = text === "" ? {} : JSON.parse(text);
  } catch (cause) {
    throw new TroupeError("INPUT_INVALID", `the body is no JSON: ${text.slice(0, 100)}`, { cause });
  }
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw new TroupeError("INPUT_INVALID", `the body is an object of JSON, got ${text.slice(0, 100)}`);
}
