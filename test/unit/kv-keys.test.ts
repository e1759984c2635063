import fc from "fast-check";
import { expect, test } from "vitest";
import { checkKey, matcherOf } from "../../src/kv/keys.ts";

const token = fc.constantFrom("a", "b", "-", "_", "=2F", "x/y");
const key = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join("."));
const pattern = fc
  .tuple(
    fc.array(fc.oneof(token, fc.constant("*")), { maxLength: 3 }),
    fc.oneof(token, fc.constant("*"), fc.constant(">")),
  )
  .map(([tokens, last]) => [...tokens, last].join("."));

test("a pattern matches as NATS does: `*` one token, a final `>` one or more", () => {
  fc.assert(
    fc.property(key, pattern, (one, form) => {
      const literal = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");
      const parts = form.split(".").map((part) => (part === "*" ? "[^.]+" : part === ">" ? ".+" : literal(part)));
      expect(matcherOf(form)(one)).toBe(new RegExp(`^${parts.join("\\.")}$`).test(one));
      expect(matcherOf(checkKey(one))(one)).toBe(true);
    }),
  );
});
