// What the NATS store reads and writes on the wire, without a server.

import type { Msg, MsgHdrs } from "@nats-io/transport-node";
import { headers } from "@nats-io/transport-node";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ackedSequence, outcomeOf } from "../../src/kv/nats-acks.ts";
import { callApi, readApi, refusedError } from "../../src/kv/nats-api.ts";
import { pullRequest, pullTimes, statusOf } from "../../src/kv/nats-consumer.ts";
import { entryOfDirect, entryOfGet, operationOfHeaders } from "../../src/kv/nats-entry.ts";
import type { LinkAnswer, NatsLink } from "../../src/kv/nats-link.ts";
import { noPlace, PlaceFinder } from "../../src/kv/nats-place.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const messageOf = (parts: { readonly headers?: MsgHdrs; readonly data?: Uint8Array }): Msg =>
  ({ data: new Uint8Array(0), ...parts }) as Msg;

describe("the place of a message", () => {
  const finder = new PlaceFinder("KV_x", "watch-1");
  const place = noPlace();

  test("is read from both forms of the acknowledgement subject", () => {
    const numbers = "1.20000001.7.1790000000123456789.42";
    for (const reply of [
      `$JS.ACK.KV_x.watch-1.${numbers}`,
      `$JS.ACK._.AHASH.KV_x.watch-1.${numbers}`,
      `$JS.ACK.hub.AHASH.KV_x.watch-1.${numbers}.token`,
    ]) {
      expect(finder.read(reply, place), reply).toBe(true);
      expect(place).toEqual({ sequence: 20_000_001, consumerSequence: 7, writtenAtMs: 1_790_000_000_123, pending: 42 });
    }
  });

  test("is not found for other consumers, other subjects and broken numbers", () => {
    for (const reply of [
      "",
      "_INBOX.x",
      "$JS.ACK.KV_x.watch-2.1.2.3.4.5",
      "$JS.ACK.KV_y.watch-1.1.2.3.4.5",
      "$JS.ACK.KV_x.watch-1.1.2.3.4",
      "$JS.ACK.KV_x.watch-1.1..3.4.5",
      "$JS.ACK.KV_x.watch-1.1.2.x.4.5",
      "$JS.ACK.KV_x.watch-1.",
      "$JS.ACK._.H.KV_x.watch-2.1.2.3.4.5",
    ]) {
      expect(finder.read(reply, place), reply).toBe(false);
    }
  });

  test("keeps its milliseconds although nanoseconds do not fit a number", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9_000_000_000_000 }), fc.integer({ min: 0, max: 999_999 }), (ms, ns) => {
        const nanos = BigInt(ms) * 1_000_000n + BigInt(ns);
        expect(finder.read(`$JS.ACK.KV_x.watch-1.1.2.3.${nanos}.0`, place)).toBe(true);
        expect(Math.abs(place.writtenAtMs - ms)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe("acknowledgements", () => {
  test("a plain one is read without parsing", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), fc.boolean(), (seq, hasDomain) => {
        const text = hasDomain ? `{"stream":"KV_x","domain":"hub","seq":${seq}}` : `{"stream":"KV_x", "seq":${seq}}`;
        expect(ackedSequence(bytes(text))).toBe(seq);
      }),
    );
  });

  test("nothing else passes for one", () => {
    for (const text of [
      "",
      "}",
      "+OK",
      '{"stream":"x","seq":}',
      '{"stream":"x","seq":12,"duplicate":true}',
      '{"stream":"x","seq":12,"batch":"b","count":3}',
      '{"stream":"x","sep":12}',
      '{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 7"},"stream":"x","seq":0}',
    ]) {
      expect(ackedSequence(bytes(text)), text).toBe(0);
    }
  });

  const outcome = (text: string) => outcomeOf({ kind: "reply", message: messageOf({ data: bytes(text) }) }, "key");
  const refused = (code: number, errCode: number) =>
    outcome(`{"error":{"code":${code},"err_code":${errCode},"description":"words"},"stream":"x","seq":0}`);

  test("every answer to a publish is one outcome", () => {
    expect(outcome('{"stream":"x","seq":12}')).toEqual({ kind: "stored", sequence: 12 });
    expect(outcome('{"stream":"x","seq":12,"duplicate":true}')).toEqual({ kind: "stored", sequence: 12 });
    expect(outcome('{"stream":"x","seq":12,"batch":"b","count":3}')).toEqual({ kind: "stored", sequence: 12 });
    expect(refused(400, 10_071)).toEqual({ kind: "stale" });
    expect(refused(400, 10_164)).toEqual({ kind: "stale" });
    expect(refused(429, 10_210).kind).toBe("busy");
    expect(refused(503, 10_077)).toMatchObject({
      kind: "failed",
      error: { code: "STORE_FAILED", message: expect.stringContaining("words") },
    });
    expect(outcome("what")).toMatchObject({ kind: "failed", error: { code: "OUTCOME_UNKNOWN" } });
    const codes = {
      nobody: "SERVER_UNREACHABLE",
      unsent: "SERVER_UNREACHABLE",
      lost: "OUTCOME_UNKNOWN",
    } as const;
    for (const kind of ["nobody", "unsent", "lost"] as const) {
      const answer = outcomeOf(kind === "nobody" ? { kind } : { kind, reason: "so" }, "key");
      expect(answer).toMatchObject({ kind: "failed", error: { code: codes[kind] } });
    }
  });
});

describe("calls while a cluster elects a leader", () => {
  const told = (value: object): LinkAnswer => ({
    kind: "reply",
    message: messageOf({ data: bytes(JSON.stringify(value)) }),
  });
  /** The first request gets no answer, the second meets no leader, the third is answered. */
  const electing = () => {
    const answers = [
      new Promise<LinkAnswer>(() => {}),
      told({ error: { code: 503, err_code: 10_008 } }),
      told({ n: 1 }),
    ];
    const asked: string[] = [];
    const request = async (subject: string) => {
      asked.push(subject);
      return answers.shift() ?? told({});
    };
    return { link: { request } as unknown as NatsLink, asked };
  };

  test("what changes nothing is asked again until somebody leads", async () => {
    const { link, asked } = electing();
    expect(await readApi(link, "STREAM.INFO.S", undefined)).toEqual({ kind: "ok", value: { n: 1 } });
    expect(asked).toEqual(["$JS.API.STREAM.INFO.S", "$JS.API.STREAM.INFO.S", "$JS.API.STREAM.INFO.S"]);
  });

  test("what changes something is asked once", async () => {
    const { link, asked } = electing();
    void callApi(link, "STREAM.PURGE.S", undefined);
    await new Promise(setImmediate);
    expect(asked).toEqual(["$JS.API.STREAM.PURGE.S"]);
  });

  test("no leader is no refusal: nothing was done, and it may be tried again", () => {
    expect(refusedError("it", { status: 503, code: 10_008, text: "t" })).toMatchObject({ code: "SERVER_UNREACHABLE" });
    expect(refusedError("it", { status: 503, code: 10_023, text: "t" })).toMatchObject({ code: "STORE_FAILED" });
  });
});

describe("pulls", () => {
  test("where there are several servers a consumer that died with one of them is missed soon", () => {
    expect(pullTimes({}, 1)).toEqual({ expiresMs: 30_000, heartbeatMs: 5_000 });
    expect(pullTimes({}, 3)).toEqual({ expiresMs: 30_000, heartbeatMs: 1_000 });
    expect(pullTimes({ heartbeatMs: 50, pullExpiresMs: 60 }, 3)).toEqual({ expiresMs: 100, heartbeatMs: 50 });
  });

  test("a request is what the server reads, in nanoseconds", () => {
    expect(JSON.parse(pullRequest(10, { expiresMs: 30_000, heartbeatMs: 5_000 }))).toEqual({
      batch: 10,
      expires: 30_000_000_000,
      idle_heartbeat: 5_000_000_000,
    });
  });

  test("each status means one thing", () => {
    const status = (code: number, text: string, values: Record<string, string> = {}) => {
      const block = headers(code, text);
      for (const [name, value] of Object.entries(values)) block.set(name, value);
      return statusOf(messageOf({ headers: block }));
    };
    expect(status(100, "Idle Heartbeat", { "Nats-Last-Consumer": "3", "Nats-Last-Stream": "9" })).toEqual({
      kind: "heartbeat",
      consumerSequence: 3,
      streamSequence: 9,
    });
    expect(status(408, "Request Timeout", { "Nats-Pending-Messages": "7" })).toEqual({ kind: "over", undelivered: 7 });
    expect(status(408, "Request Timeout").kind).toBe("gone");
    expect(status(409, "Consumer Deleted")).toEqual({ kind: "gone", reason: "409 Consumer Deleted" });
    expect(status(409, "Leadership Change").kind).toBe("gone");
    expect(status(503, "No Responders").kind).toBe("gone");
    expect(statusOf(messageOf({})).kind).toBe("gone");
  });
});

describe("entries", () => {
  const block = (lines: Record<string, string>) => {
    const made = headers();
    for (const [name, value] of Object.entries(lines)) made.append(name, value);
    return made;
  };

  test("say what happened to the key", () => {
    expect(operationOfHeaders(undefined)).toBe("put");
    expect(operationOfHeaders(block({ "Nats-Expected-Last-Subject-Sequence": "4" }))).toBe("put");
    expect(operationOfHeaders(block({ "KV-Operation": "DEL" }))).toBe("delete");
    expect(operationOfHeaders(block({ "KV-Operation": "PURGE" }))).toBe("delete");
    expect(operationOfHeaders(block({ "Nats-Marker-Reason": "MaxAge" }))).toBe("expired");
    expect(operationOfHeaders(block({ "Nats-Marker-Reason": "Remove" }))).toBe("delete");
    expect(operationOfHeaders(block({ "Nats-Marker-Reason": "Purge" }))).toBe("delete");
  });

  test("are read from both ways of asking, and no stored header passes for the server's", () => {
    const wire = "NATS/1.0\r\nKV-Operation: DEL\r\n\r\n";
    const response = {
      message: {
        subject: "$KV.x.a.b",
        seq: 4,
        time: "2026-01-02T03:04:05.678901234Z",
        hdrs: Buffer.from(wire).toString("base64"),
      },
    };
    const entry = { key: "a.b", revision: 4, writtenAtMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678) };
    expect(entryOfGet(response, 6)).toEqual({ ...entry, operation: "delete", value: new Uint8Array(0) });
    const put = {
      message: { ...response.message, hdrs: Buffer.from("NATS/1.0\r\n\r\n").toString("base64"), data: "aGk=" },
    };
    expect(entryOfGet(put, 6)).toEqual({ ...entry, operation: "put", value: bytes("hi") });
    const direct = block({ "Nats-Sequence": "99", "Nats-Subject": "$KV.x.other" });
    direct.append("Nats-Sequence", "4");
    direct.append("Nats-Subject", "$KV.x.a.b");
    direct.append("Nats-Time-Stamp", response.message.time);
    const message = messageOf({ headers: direct, data: bytes("hi") });
    expect(entryOfDirect(message, 6)).toEqual({ ...entry, operation: "put", value: bytes("hi") });
  });
});
