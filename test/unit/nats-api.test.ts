// What is said to a server whose peers are away for a moment.

import { expect, test } from "vitest";
import { createStream } from "../../src/kv/nats-api.ts";
import type { NatsLink } from "../../src/kv/nats-link.ts";

const refusal = (code: number, text: string) => ({ error: { code: 400, err_code: code, description: text } });
const away = refusal(10_005, "no suitable peers for placement, peer offline");
const tooFew = refusal(10_005, "no suitable peers for placement, insufficient nodes");

/** A link to a server that answers one after the other, and the last for ever. */
function linkTo(answers: readonly object[]) {
  const asked: string[] = [];
  const request = (subject: string) => {
    const answer = answers[Math.min(asked.push(subject), answers.length) - 1];
    return Promise.resolve({ kind: "reply", message: { data: Buffer.from(JSON.stringify(answer)) } });
  };
  return { asked, link: { request } as unknown as NatsLink };
}

test("a stream whose servers are not all there at the moment is asked for again, until it is made", async () => {
  const { link, asked } = linkTo([away, away, { config: { name: "s" } }]);
  expect(await createStream(link, "s", {})).toEqual({ kind: "ok", value: { config: { name: "s" } } });
  expect(asked).toEqual(Array(3).fill("$JS.API.STREAM.CREATE.s"));
});

test("what is refused for good is told at once: too few servers, or a name that is taken", async () => {
  for (const refused of [tooFew, refusal(10_058, "stream name already in use")]) {
    const { link, asked } = linkTo([refused]);
    expect(await createStream(link, "s", {})).toMatchObject({
      kind: "refused",
      refusal: { code: refused.error.err_code },
    });
    expect(asked).toHaveLength(1);
  }
});
