// Requests to the dashboard's server. Whatever goes wrong rejects with a `ProblemError`, which says what happened and what to do.

import type { Problem } from "../../../src/monitoring/dashboard/api/page.ts";
import type { Done } from "../../../src/monitoring/dashboard/api/workflows.ts";
import { encodePart } from "../address-part.ts";
import { allowAsking, askForToken, authorization } from "./token.ts";

export class ProblemError extends Error {
  readonly problem: Problem;
  /** Of HTTP; 0: no answer came. */
  readonly status: number;

  constructor(problem: Problem, status: number) {
    super(problem.message);
    this.problem = problem;
    this.status = status;
  }
}

export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** `path` below /api, like `actors/desk/anna`: its parts encoded by `apiPath`. */
export async function get<Answer>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Answer> {
  const wanted = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") wanted.set(name, String(value));
  }
  const rest = wanted.size === 0 ? "" : `?${wanted}`;
  const answer = await send(
    `/api/${path}${rest}`,
    { signal: signal ?? null },
    "The server shows nothing without its token.",
  );
  return (await answer.json()) as Answer;
}

/** Does something: the server wants the token for it, and the page asks for it when it has none. */
export async function post(path: string, body: unknown = {}): Promise<Done> {
  const why = "Looking needs no token, doing something does.";
  allowAsking();
  if (!("authorization" in authorization()) && (await askForToken(why)) === null) throw gaveUp();
  const headers = { "content-type": "application/json" };
  const answer = await send(`/api/${path}`, { method: "POST", headers, body: JSON.stringify(body) }, why);
  return (await answer.json()) as Done;
}

export function apiPath(...parts: readonly string[]): string {
  return parts.map(encodePart).join("/");
}

/** An answer that is 2xx. When the server wants another token the person is asked, as often as they try. */
export async function send(url: string, options: RequestInit, why: string): Promise<Response> {
  for (;;) {
    const given = authorization();
    const answer = await fetchOnce(url, { ...options, headers: { ...options.headers, ...given } });
    if (answer.ok) return answer;
    const problem = await problemOf(answer);
    if (answer.status !== 401) throw new ProblemError(problem, answer.status);
    // Another was given while this one was under way: it is no fault of that one.
    if (authorization().authorization !== given.authorization) continue;
    const isWrong = "authorization" in given;
    if ((await askForToken(isWrong ? `The token that was given is not the one. ${why}` : why)) === null) throw gaveUp();
  }
}

async function fetchOnce(url: string, options: RequestInit): Promise<Response> {
  try {
    return await fetch(url, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw unreachable(String(error));
  }
}

async function problemOf(answer: Response): Promise<Problem> {
  const text = await answer.text().catch(() => "");
  try {
    const said = JSON.parse(text) as Partial<Problem>;
    if (typeof said.code === "string" && typeof said.message === "string")
      return { code: said.code, message: said.message, remedy: said.remedy ?? "" };
  } catch {
    // Not from the dashboard's server: a proxy before it has answered.
  }
  return {
    code: `HTTP_${answer.status}`,
    message: `the server answered ${answer.status} ${answer.statusText}`,
    remedy: "See what the terminal of `troupe dashboard` says; a proxy before it may have answered.",
  };
}

function unreachable(reason: string): ProblemError {
  return new ProblemError(
    {
      code: "DASHBOARD_UNREACHABLE",
      message: `the dashboard's server does not answer: ${reason}`,
      remedy: "See whether `troupe dashboard` still runs where this page came from, and start it again.",
    },
    0,
  );
}

function gaveUp(): ProblemError {
  return new ProblemError(
    {
      code: "UNAUTHORIZED",
      message: "no token was given",
      remedy: "`troupe dashboard` prints an address that ends in #token=…: open that one.",
    },
    401,
  );
}

/** What to show of anything that was thrown. */
export function problemFrom(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  return {
    code: "PAGE_FAULT",
    message: `the page has a fault: ${error instanceof Error ? error.message : String(error)}`,
    remedy: "Load the page again, and tell us how you came here.",
  };
}
