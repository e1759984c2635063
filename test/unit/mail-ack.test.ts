// Acknowledgements of the server: read where they are plain, parsed where they are not, never guessed.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { LinkAnswer } from "../../src/kv/nats-link.ts";
import { AckReader } from "../../src/runtime/mail-ack.ts";

const acks = new AckReader("app_mail");
const bytes = (text: string) => new TextEncoder().encode(text);
const outcomeOf = (text: string) => {
  const answer = { kind: "reply", message: { data: bytes(text) } } as unknown as LinkAnswer;
  return acks.outcomeOf(answer);
};

test("a plain success is read without parsing, with and without the server's space", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), fc.constantFrom("", " "), (sequence, space) => {
      const text = `{"stream":"app_mail",${space}"seq":${sequence}}`;
      expect(acks.sequenceOf(bytes(text))).toBe(sequence);
      expect(outcomeOf(text)).toEqual({ kind: "accepted", sequence, isDuplicate: false });
    }),
  );
});

test("anything else is not read but parsed", () => {
  const others = [
    '{"stream":"app_mail","seq":7,"duplicate":true}',
    '{"stream":"app_mail","domain":"hub","seq":7}',
    '{"stream":"app_mailx","seq":7}',
    '{"stream":"app_mail","seq":7',
    '{"stream":"app_mail","seq":}',
    '{"stream":"app_mail"}',
    "",
  ];
  for (const text of others) expect(acks.sequenceOf(bytes(text)), text).toBe(0);
  expect(outcomeOf(others[0] ?? "")).toEqual({ kind: "accepted", sequence: 7, isDuplicate: true });
  expect(outcomeOf(others[1] ?? "")).toEqual({ kind: "accepted", sequence: 7, isDuplicate: false });
  for (const text of others.slice(3)) expect(outcomeOf(text).kind, text).toBe("unknown");
});

test("reading and parsing agree on every text", () => {
  const anyPart = fc.constantFrom(
    '{"stream":"app_mail"',
    ",",
    " ",
    '"seq":',
    "1",
    "0",
    "}",
    '"duplicate":true',
    '"a":1',
  );
  fc.assert(
    fc.property(fc.array(anyPart, { maxLength: 8 }), (parts) => {
      const text = parts.join("");
      const sequence = acks.sequenceOf(bytes(text));
      if (sequence === 0) return;
      // A leading zero is no JSON, and no server writes one.
      expect(JSON.parse(text.replace(/:0+(?=\d)/, ":"))).toEqual({ stream: "app_mail", seq: sequence });
    }),
    { numRuns: 2_000 },
  );
});

test("a refusal carries the server's words and its code; one that may still be stored is unknown", () => {
  const refusal = (code: number, description: string) =>
    outcomeOf(`{"error":{"code":400,"err_code":${code},"description":"${description}"},"stream":"app_mail","seq":0}`);
  expect(refusal(10077, "maximum bytes exceeded")).toEqual({
    kind: "refused",
    reason: "maximum bytes exceeded (10077)",
  });
  expect(refusal(10158, "duplicate message id is in process").kind).toBe("unknown");
  expect(outcomeOf('{"error":{"code":503}}')).toEqual({ kind: "refused", reason: "no reason given (503)" });
});

test("what the link could not deliver is told apart", () => {
  expect(acks.outcomeOf({ kind: "nobody" }).kind).toBe("unsent");
  expect(acks.outcomeOf({ kind: "unsent", reason: "r" })).toEqual({ kind: "unsent", reason: "r" });
  expect(acks.outcomeOf({ kind: "lost", reason: "r" })).toEqual({ kind: "unknown", reason: "r" });
});
