// Who may have what. The page shows what agents say and remember, and it can act.
//
//   D1. Reading is open on a loopback address alone. Bound to any other, every question wants the token too.
//   D2. What acts (all but GET and HEAD) wants the token always. It is compared in constant time.
//   D3. A page of another site gets nothing: the `Host` must be one that this server goes by, since a name of theirs may be
//       led to a loopback address (DNS rebinding); no answer allows another origin; and what a browser sends on behalf
//       of another site is refused.
//   D4. Every answer forbids what the page does not need: scripts, frames and connections of others.

import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import type { Context, MiddlewareHandler } from "hono";
import { TroupeError } from "../../core/errors.ts";
import { Refusal } from "./problem.ts";

export const tokenCharsMin = 16;

export interface Door {
  /** The address that is bound, as it was named. */
  readonly host: string;
  readonly token: string;
}

export function isLoopback(host: string): boolean {
  const plain = host.replace(/^\[|\]$/g, "").toLowerCase();
  return plain === "localhost" || plain === "::1" || (isIP(plain) === 4 && plain.startsWith("127."));
}

/** Throws OPTION_INVALID: an address that others can reach without a token, or with one that can be guessed. */
export function checkDoor(host: string, token: string | undefined): void {
  if (token !== undefined && (token.length < tokenCharsMin || !/^[\x21-\x7e]+$/.test(token))) {
    const text = `a token has ${tokenCharsMin} or more printable characters without spaces, got ${token.length}`;
    throw new TroupeError("OPTION_INVALID", text);
  }
  if (token === undefined && !isLoopback(host)) {
    const text = `${host} can be reached from other machines: that needs a token of your own (--token), or --host 127.0.0.1`;
    throw new TroupeError("OPTION_INVALID", text);
  }
}

const readingMethods = ["GET", "HEAD"];

/** D3, D4: for everything, the files of the page too. */
export function keepHost({ host }: Door): MiddlewareHandler {
  return async (context, next) => {
    for (const [name, value] of securityHeaders) context.header(name, value);
    const asked = context.req.header("host") ?? "";
    if (!isKnownHost(asked, host)) {
      const text = `this dashboard does not go by the host ${JSON.stringify(asked.slice(0, 100))}`;
      throw new Refusal(
        403,
        "HOST_REFUSED",
        text,
        "Open it by the address that it has printed, or start it with --host.",
      );
    }
    await next();
  };
}

/** D1 to D3: for what is data. The page's own files hold no secrets, and it is the page that asks for the token. */
export function keepData(door: Door): MiddlewareHandler {
  return async (context, next) => {
    context.header("Cache-Control", "no-store");
    checkOrigin(context);
    checkToken(context, door);
    await next();
  };
}

/** D3. An unspecified address goes by any name, but there nothing is answered without the token. */
export function isKnownHost(header: string, bound: string): boolean {
  const name = header.replace(/:\d{1,5}$/, "").toLowerCase();
  if (name === "localhost" || name === "127.0.0.1" || name === "[::1]") return true;
  if (bound === "0.0.0.0" || bound === "::") return name !== "";
  return name === (isIP(bound) === 6 ? `[${bound.toLowerCase()}]` : bound.toLowerCase());
}

/** D3. Browsers say where a request comes from; programs that are none say nothing. */
function checkOrigin({ req }: Context): void {
  const site = req.header("sec-fetch-site");
  const origin = req.header("origin");
  const isOwn = origin === undefined || hostOf(origin) === req.header("host");
  if (isOwn && (site === undefined || site === "same-origin" || site === "none")) return;
  const text = `this was asked by another site (${(origin ?? site ?? "").slice(0, 100)})`;
  throw new Refusal(403, "ORIGIN_REFUSED", text, "Open the dashboard's own page.");
}

function hostOf(origin: string): string | undefined {
  return /^https?:\/\/(.+)$/.exec(origin)?.[1];
}

function checkToken({ req }: Context, { host, token }: Door): void {
  if (readingMethods.includes(req.method) && isLoopback(host)) return; // D1
  const given = /^Bearer (\S+)$/.exec(req.header("authorization") ?? "")?.[1];
  if (given !== undefined && isSame(given, token)) return;
  const text = given === undefined ? "this needs the token" : "that is not the token";
  throw new Refusal(401, "UNAUTHORIZED", text, "Use the link that `troupe dashboard` has printed, or give the token.");
}

/** Hashes have one length whatever was given, and the time of the comparison says nothing (D2). */
function isSame(given: string, token: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

const policy = [
  ...["default-src 'self'", "img-src 'self' data:", "object-src 'none'", "base-uri 'none'"],
  ...["form-action 'none'", "frame-ancestors 'none'"],
].join("; ");

const securityHeaders = [
  ["Content-Security-Policy", policy],
  ["X-Content-Type-Options", "nosniff"],
  ["X-Frame-Options", "DENY"],
  ["Referrer-Policy", "no-referrer"],
  ["Cross-Origin-Opener-Policy", "same-origin"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
  ["Permissions-Policy", "camera=(), microphone=(), geolocation=()"],
] as const;
