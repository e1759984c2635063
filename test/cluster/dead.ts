// What was given up on during a run: nothing should be, since no handler of it ever fails.

import { openLink } from "../../src/kv/nats-link.ts";
import { readDeadLetters } from "../../src/runtime/dead-letters.ts";
import { subjectsOf } from "../../src/runtime/subjects.ts";

const shown = 5;

export async function findDead(urls: readonly string[]): Promise<readonly string[]> {
  await using link = await openLink({ servers: [...urls] });
  const letters = await readDeadLetters({ link, subjects: subjectsOf("troupe", "main") }, 1, shown);
  return letters.map(({ key, method, code, reason }) => `P7: a ${method} of ${key} was given up on: ${code} ${reason}`);
}
