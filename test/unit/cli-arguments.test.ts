// What comes in on the command line: addresses, JSON, patterns, and what a file of actors exports.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { actorsOf } from "../../src/cli/actor-file.ts";
import { patternOf } from "../../src/cli/commands/watch.ts";
import { CommandFailure, exitCodeOf } from "../../src/cli/failure.ts";
import { parseJson, readJsonArgument } from "../../src/cli/json-argument.ts";
import { metricsAddressOf } from "../../src/cli/metrics-address.ts";
import { parseServer } from "../../src/cli/server-address.ts";
import { givenServer } from "../../src/cli/settings.ts";
import { TroupeError } from "../../src/core/errors.ts";
import { defineActor, handler } from "../../src/index.ts";

function failureOf(fn: () => unknown): CommandFailure {
  try {
    fn();
  } catch (thrown) {
    if (thrown instanceof CommandFailure) return thrown;
    throw thrown;
  }
  throw new Error("it did not fail");
}

describe("a server's address", () => {
  test("is taken with and without its protocol, alone and in a list", () => {
    expect(parseServer("nats://127.0.0.1:4222").urls).toEqual(["nats://127.0.0.1:4222"]);
    expect(parseServer("demo.example.org").urls).toEqual(["nats://demo.example.org"]);
    expect(parseServer("nats://a:1, nats://b:2").urls).toEqual(["nats://a:1", "nats://b:2"]);
    expect(parseServer("nats://[::1]:4222").urls).toEqual(["nats://[::1]:4222"]);
    expect(parseServer("tls://a:1")).toMatchObject({ urls: ["tls://a:1"], isTls: true });
  });

  test("gives up its name and password, or its token, and shows neither again", () => {
    const { urls, user, pass } = parseServer("nats://ada:s%40crét@a:1,nats://b:2");
    expect([urls, user, pass]).toEqual([["nats://a:1", "nats://b:2"], "ada", "s@crét"]);
    expect(parseServer("nats://s3cret@a:1")).toMatchObject({ urls: ["nats://a:1"], token: "s3cret", user: undefined });
    const failure = failureOf(() => parseServer("http://ada:s3cret@a:1"));
    expect([exitCodeOf(failure), failure.message.includes("s3cret")]).toEqual([2, false]);
  });

  test("comes from the option, then from a NATS_URL that is not empty", () => {
    expect(givenServer("a:1", { NATS_URL: "b:2" })).toEqual({ from: "--server", text: "a:1" });
    expect(givenServer(undefined, { NATS_URL: "b:2" })).toEqual({ from: "NATS_URL", text: "b:2" });
    expect(givenServer(undefined, { NATS_URL: "" })).toBeUndefined();
  });
});

describe("a JSON argument", () => {
  test("is any JSON value, or nothing", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.stringify(parseJson("INPUT", text))).toBe(text);
      }),
    );
    expect(parseJson("INPUT", "")).toBeUndefined();
  });

  test("that is a bare text is refused with the quotes that it needs, as the shell takes them", () => {
    const failure = failureOf(() => parseJson("INPUT", "it's me"));
    expect(exitCodeOf(failure)).toBe(2);
    expect(failure.message).toContain(`INPUT is not JSON: "it's me"`);
    expect(failure.remedy).toContain(`'"it'\\''s me"'`);
    expect(failureOf(() => parseJson("STATE", "{count:1}")).remedy).toContain(`'{"name":"Ada"}'`);
  });

  test("of - is read from standard input, whole", async () => {
    async function* chunks() {
      yield Buffer.from('{"a":"\u00fc'.slice(0, 6));
      yield '\u00fc"}';
    }
    expect(await readJsonArgument("INPUT", "-", chunks())).toEqual({ a: "ü" });
    expect(await readJsonArgument("INPUT", undefined, chunks())).toBeUndefined();
  });
});

test("a pattern may be a type alone", () => {
  expect(["counter", "counter.c1", "*.c1", ">", undefined].map(patternOf)).toEqual([
    "counter.*",
    "counter.c1",
    "*.c1",
    ">",
    ">",
  ]);
});

test("a file's actors are its exported definitions, each once, or its default array alone", () => {
  const define = (type: string) => defineActor(type, { state: z.object({}), initial: {} }, { poke: handler(() => {}) });
  const [a, b] = [define("a"), define("b")];
  expect(actorsOf({ a, again: a, b, agents: [a, b], text: "x", nothing: null })).toEqual([a, b]);
  expect(actorsOf({ a, default: [b, "x"] })).toEqual([b]);
  expect(actorsOf({ a, default: b })).toEqual([a, b]);
});

test("exit codes follow the error's code", () => {
  expect(exitCodeOf(new TroupeError("SERVER_UNREACHABLE", "gone"))).toBe(3);
  expect(exitCodeOf(new TroupeError("NAME_INVALID", "9"))).toBe(2);
  expect(exitCodeOf(new TroupeError("METHOD_UNKNOWN", "nope"))).toBe(1);
  expect(exitCodeOf(new Error("a bug"))).toBe(1);
});

describe("where Prometheus is answered", () => {
  const at = (option: string | undefined, env: NodeJS.ProcessEnv = {}) => metricsAddressOf(option, env);

  test("is the loopback unless a host is named; the option wins over the environment", () => {
    expect(at(undefined)).toBe(undefined);
    expect(at(undefined, { TROUPE_METRICS: "" })).toBe(undefined);
    expect(at("9464")).toEqual({ host: "127.0.0.1", port: 9464 });
    expect(at("0")).toEqual({ host: "127.0.0.1", port: 0 });
    expect(at("0.0.0.0:9464")).toEqual({ host: "0.0.0.0", port: 9464 });
    expect(at("[::1]:9464")).toEqual({ host: "::1", port: 9464 });
    expect(at("9464", { TROUPE_METRICS: "1" })).toEqual({ host: "127.0.0.1", port: 9464 });
    expect(at(undefined, { TROUPE_METRICS: "host.example:1" })).toEqual({ host: "host.example", port: 1 });
  });

  test("is refused when it is none, with who said it", () => {
    for (const text of ["", ":9464", "host:", "host", "http://a:9464/", "a b:1", "65536", "9464x", "-1", "1.5"]) {
      const failure = failureOf(() => at(text));
      expect([exitCodeOf(failure), failure.message.includes("--metrics")], text).toEqual([2, true]);
    }
    expect(failureOf(() => at(undefined, { TROUPE_METRICS: "x" })).message).toContain("TROUPE_METRICS");
  });
});
