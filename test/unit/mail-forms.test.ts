// Subjects and dead letters as text.

import fc from "fast-check";
import { expect, test } from "vitest";
import { keyOf } from "../../src/core/ids.ts";
import { noMeta } from "../../src/runtime/mail.ts";
import { deadHeaderBytesMax, deadHeaderLines, deadTail, fitDead, oneLine } from "../../src/runtime/mail-dead.ts";
import { headerBytes } from "../../src/runtime/mail-headers.ts";
import { strictTargetOf, targetOf } from "../../src/runtime/mail-subject.ts";
import { subjectsOf } from "../../src/runtime/subjects.ts";
import { anyId, anyMeta, anyName } from "../contract/mail-support.ts";

const subjects = subjectsOf("app", "main");

test("key and method of any actor are read back from its subjects", () => {
  fc.assert(
    fc.property(anyName, anyId, anyName, fc.nat(4_095), (type, id, method, partition) => {
      const key = keyOf({ type, id });
      const [mail, ask] = [subjects.mail(partition, key, method), subjects.ask(partition, 7, key, method)];
      expect(targetOf(mail, subjects.mailPrefix(partition).length)).toEqual({ key, method });
      expect(strictTargetOf(ask, subjects.askPrefix(partition, 7).length)).toEqual({ key, method });
    }),
  );
});

test("a subject that is no actor's is undefined where it is strict, and has a key that is none where it is not", () => {
  const cases: [tail: string, key: string, method: string][] = [
    ["alone", "", "alone"],
    ["two.tokens", "two", "tokens"],
    ["a.b.c.d", "a.b.c", "d"],
    ["1.a.b", "1.a", "b"],
  ];
  for (const [tail, key, method] of cases) {
    expect(strictTargetOf(`app.call.${tail}`, "app.call.".length), tail).toBeUndefined();
    expect(targetOf(`app.call.${tail}`, "app.call.".length)).toEqual({ key, method });
  }
});

test("every dead letter's subject is one that the server takes", () => {
  for (const key of ["", "two", "a.b", "a.b.c"]) {
    expect(subjects.dead(...deadTail({ key, method: "m" }))).toMatch(/^app\.dead(?:\.[^.*>\s]+)+$/);
  }
});

test("any text becomes one line of bounded length that tells texts apart", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), fc.integer({ min: 10, max: 200 }), (text, lengthMax) => {
      const line = oneLine(text, lengthMax);
      expect(line).toMatch(/^[\x20-\x7e]*$/);
      expect(line.length).toBeLessThanOrEqual(lengthMax);
    }),
  );
  expect(oneLine("a\nb\\n\tü😀", 100)).toBe("a\\nb\\\\n\\u0009\\u00fc\\ud83d\\ude00");
});

test("whatever failed and however it is called, the reason fits into what is kept free for it", () => {
  const anyText = fc.string({ unit: "binary", maxLength: 3_000 });
  fc.assert(
    fc.property(anyMeta, anyText, anyText, fc.nat(), fc.nat(), (meta, code, message, sequence, attempts) => {
      const letter = { key: "counter.c1", method: "add", payload: new Uint8Array(0), meta, sequence };
      const lines = deadHeaderLines({ letter, partition: 4_095, code, message, attempts });
      expect(headerBytes(lines)).toBeLessThanOrEqual(deadHeaderBytesMax);
    }),
  );
});

test("a payload that does not fit beside its reason is left out, and the reason says how long it was", () => {
  const letter = { key: "a.b", method: "c", payload: new Uint8Array(1_000), meta: noMeta, sequence: 1 };
  const dead = { letter, partition: 1, code: "C", message: "m", attempts: 1 };
  const fitting = headerBytes(deadHeaderLines(dead)) + 1_000;
  expect(fitDead(dead, fitting).payload).toBe(letter.payload);
  const { lines, payload } = fitDead(dead, fitting - 1);
  expect(payload.length).toBe(0);
  expect(lines.at(-1)).toBe("Troupe-Dead-Payload-Bytes: 1000");
});
