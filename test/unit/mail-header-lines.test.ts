// Metadata as header lines and back, whatever stands in it: H1 to H3.

import fc from "fast-check";
import { expect, test } from "vitest";
import { isTroupeError } from "../../src/core/errors.ts";
import type { MailMeta } from "../../src/runtime/mail.ts";
import { noMeta } from "../../src/runtime/mail.ts";
import { entriesOf, errorLine, headerBytes, headerLinesOf, metaOf } from "../../src/runtime/mail-headers.ts";
import { anyMeta } from "../contract/mail-support.ts";

test("H3: with nothing to say there are no headers, also when everything is undefined", () => {
  expect(headerLinesOf(noMeta)).toBeUndefined();
  expect(headerLinesOf({})).toBeUndefined();
  expect(headerLinesOf({ messageId: undefined, from: undefined, chain: [], trace: undefined })).toBeUndefined();
  expect(headerBytes(undefined)).toBe(0);
});

test("what was written is read back as it was", () => {
  fc.assert(
    fc.property(anyMeta, (meta) => {
      const lines = headerLinesOf(meta);
      expect({ ...metaOf(entriesOf(lines ?? [])) }).toEqual(meta);
    }),
  );
});

test("the names on the wire are frozen", () => {
  const meta: MailMeta = {
    ...{ messageId: "m", from: "a.b", number: 4, chain: ["a.b", "c.d"], idempotencyKey: "k" },
    trace: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
  };
  expect(headerLinesOf(meta)).toEqual([
    "Nats-Msg-Id: m",
    "Troupe-From: a.b",
    "Troupe-Number: 4",
    "Troupe-Chain: a.b,c.d",
    "Troupe-Key: k",
    `traceparent: ${meta.trace}`,
  ]);
});

test("the bytes of a block are those of the wire", () => {
  fc.assert(
    fc.property(anyMeta, (meta) => {
      const lines = headerLinesOf(meta);
      const block = lines === undefined ? "" : `NATS/1.0\r\n${lines.join("\r\n")}\r\n\r\n`;
      expect(headerBytes(lines)).toBe(Buffer.byteLength(block));
    }),
  );
});

test("H1: no value of any kind makes a second header: it is refused, or it is one line", () => {
  const anyText = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("a\r\nb: c", "a\nb", "a b", "\0", "é"));
  const anyName = fc.constantFrom("messageId" as const, "from" as const, "idempotencyKey" as const, "trace" as const);
  fc.assert(
    fc.property(anyName, anyText, (name, text) => {
      try {
        const lines = headerLinesOf({ [name]: text });
        for (const each of lines ?? []) expect(each).toMatch(/^[\x21-\x7e]+: [\x21-\x7e]+$/);
      } catch (thrown) {
        expect(isTroupeError(thrown) && thrown.code).toBe("ID_INVALID");
      }
    }),
  );
  expect(errorLine("A\r\nB: c")).toBe("Troupe-Error: A__B:_c");
  expect(errorLine("")).toBe("Troupe-Error: HANDLER_FAILED");
});

test("H2: what is not in its form is left out, whatever it is", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.array(fc.string({ unit: "binary" })))), (entries) => {
      expect(metaOf(entries)).toEqual({});
    }),
  );
  const expectLeftOut = (name: string, values: readonly string[]) => {
    for (const value of values) expect({ ...metaOf([[name, [value]]]) }, value).toEqual({});
  };
  expectLeftOut("Troupe-Number", ["", "-1", "1.5", "1e3", "0x1", " 1", "9".repeat(16)]);
  expectLeftOut("Troupe-From", ["", "a", "a.b.c", "a b.c", "1.b", "a.>", "a.b,"]);
  const longChain = Array.from({ length: 257 }, () => "a.b").join(",");
  expectLeftOut("Troupe-Chain", ["", "a.b,", "a.b,,c.d", "a.b;c.d", "a", longChain]);
  expectLeftOut("Nats-Msg-Id", ["m".repeat(513), "a b"]);
  expectLeftOut("traceparent", [`00-${"0".repeat(31)}-1-01`]);
  expect(metaOf([["Troupe-Number", []]])).toBe(noMeta);
});

test("trace context is read in the spelling of Go's libraries too", () => {
  const trace = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  expect(metaOf([["Traceparent", [trace]]])).toEqual({ trace });
});
