// Who may have what of the dashboard: its door by itself, with every kind of asker.

import { Hono } from "hono";
import { expect, test } from "vitest";
import type { Door } from "../../src/monitoring/dashboard/door.ts";
import { checkDoor, isKnownHost, isLoopback, keepData, keepHost } from "../../src/monitoring/dashboard/door.ts";
import { refusalOf } from "../../src/monitoring/dashboard/problem.ts";

const token = "a-token-of-16-or-more";
const onLoopback: Door = { host: "127.0.0.1", token };
const onNetwork: Door = { host: "10.0.0.5", token };

function appBehind(door: Door): Hono {
  const app = new Hono();
  app.use(keepHost(door));
  for (const path of ["/api/*", "/metrics"]) app.use(path, keepData(door));
  for (const path of ["/api/now", "/metrics", "/"]) app.get(path, (context) => context.text("told"));
  app.post("/api/dead/1/drop", (context) => context.text("done"));
  app.onError((thrown, context) => {
    const { status, problem } = refusalOf(thrown);
    return context.json(problem, status);
  });
  return app;
}

async function answer(door: Door, path: string, headers: Readonly<Record<string, string>> = {}, method = "GET") {
  const host = `${door.host}:4270`;
  const response = await appBehind(door).request(`http://${host}${path}`, { method, headers: { host, ...headers } });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    said: response.status === 200 ? text : JSON.parse(text).code,
  };
}

const bearer = { authorization: `Bearer ${token}` };

test("D1: on loopback anybody reads; on another address whoever has the token, and nobody else", async () => {
  expect(await answer(onLoopback, "/api/now")).toMatchObject({ status: 200, said: "told" });
  for (const path of ["/api/now", "/metrics"]) {
    expect(await answer(onNetwork, path)).toMatchObject({ status: 401, said: "UNAUTHORIZED" });
    expect(await answer(onNetwork, path, { authorization: "Bearer no-token-at-all-xx" })).toMatchObject({
      status: 401,
    });
    expect(await answer(onNetwork, path, bearer)).toMatchObject({ status: 200, said: "told" });
  }
  // The page must come, or nobody could ask for the token.
  expect(await answer(onNetwork, "/")).toMatchObject({ status: 200 });
});

test("D1: an address that others can reach is refused without a token, and with one that can be guessed", () => {
  const code = (host: string, given?: string) => {
    try {
      checkDoor(host, given);
      return "taken";
    } catch (thrown) {
      return refusalOf(thrown).problem.code;
    }
  };
  for (const host of ["127.0.0.1", "localhost", "::1", "127.3.2.1"]) expect(code(host)).toBe("taken");
  for (const host of ["0.0.0.0", "::", "10.0.0.5", "desk.example", "127.0.0.1.evil.com"]) {
    expect([code(host), code(host, token)], host).toEqual(["OPTION_INVALID", "taken"]);
  }
  for (const weak of ["", "short", "x".repeat(15), "with a space in the middle"]) {
    expect([code("127.0.0.1", weak), code("10.0.0.5", weak)], weak).toEqual(["OPTION_INVALID", "OPTION_INVALID"]);
  }
  expect(isLoopback("127.evil.com")).toBe(false);
});

test("D2: what acts wants the token, on loopback too: none, a wrong one, a part of it, and one in the address do not do", async () => {
  const wrong: readonly Readonly<Record<string, string>>[] = [
    {},
    { authorization: token },
    { authorization: `Bearer ${token}x` },
    { authorization: `Bearer ${token.slice(0, -1)}` },
    { authorization: "Bearer " },
    { authorization: `Basic ${token}` },
    { cookie: `token=${token}` },
  ];
  for (const headers of wrong) {
    const refused = await answer(onLoopback, "/api/dead/1/drop", headers, "POST");
    expect(refused, JSON.stringify(headers)).toMatchObject({ status: 401, said: "UNAUTHORIZED" });
  }
  expect(await answer(onLoopback, `/api/dead/1/drop?token=${token}`, {}, "POST")).toMatchObject({ status: 401 });
  expect(await answer(onLoopback, "/api/dead/1/drop", bearer, "POST")).toMatchObject({ status: 200, said: "done" });
  for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS"]) {
    expect(await answer(onLoopback, "/api/now", {}, method), method).toMatchObject({ status: 401 });
  }
});

test("D3: whoever comes by another name is refused, with the token too: its DNS may be led here", async () => {
  for (const host of [
    "evil.com",
    "evil.com:4270",
    "127.0.0.1.evil.com",
    "localhost.evil.com:80",
    "",
    "10.0.0.5",
    "[::2]",
  ]) {
    expect(await answer(onLoopback, "/api/now", { host, ...bearer }), host).toMatchObject({
      ...{ status: 403, said: "HOST_REFUSED" },
    });
    expect(await answer(onLoopback, "/", { host }), host).toMatchObject({ status: 403 });
  }
  for (const host of ["localhost:5173", "127.0.0.1", "[::1]:4270", "LOCALHOST:1"]) {
    expect(await answer(onLoopback, "/api/now", { host }), host).toMatchObject({ status: 200 });
  }
  expect([
    isKnownHost("10.0.0.5:1", "10.0.0.5"),
    isKnownHost("[fe80::1]:1", "fe80::1"),
    isKnownHost("desk:1", "0.0.0.0"),
  ]).toEqual([true, true, true]);
  expect([isKnownHost("10.0.0.6:1", "10.0.0.5"), isKnownHost("", "0.0.0.0")]).toEqual([false, false]);
});

test("D3: what another site asks for is refused, and no answer allows another origin", async () => {
  const others: readonly Readonly<Record<string, string>>[] = [
    { origin: "http://evil.com" },
    { origin: "null" },
    { origin: "http://127.0.0.1:9999" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ];
  for (const headers of others) {
    const refused = await answer(onLoopback, "/api/now", { ...headers, ...bearer });
    expect(refused, JSON.stringify(headers)).toMatchObject({ status: 403, said: "ORIGIN_REFUSED" });
  }
  const own = await answer(onLoopback, "/api/dead/1/drop", { ...bearer, origin: "http://127.0.0.1:4270" }, "POST");
  expect(own.status).toBe(200);
  expect([...own.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
});

test("D4: every answer, refusals too, forbids what the page does not need", async () => {
  const answers = [
    await answer(onLoopback, "/"),
    await answer(onLoopback, "/api/now"),
    await answer(onLoopback, "/api/dead/1/drop", {}, "POST"),
    await answer(onLoopback, "/", { host: "evil.com" }),
  ];
  for (const { headers } of answers) {
    expect(headers.get("content-security-policy")).toMatch(/^default-src 'self';/);
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect([headers.get("x-content-type-options"), headers.get("referrer-policy")]).toEqual(["nosniff", "no-referrer"]);
    expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
  }
  expect(answers[1]?.headers.get("cache-control")).toBe("no-store");
});
