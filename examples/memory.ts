// What agents remember, without actors and without a server: `node examples/memory.ts`.
//
// The same on a server or in a file: `openNatsStore` or `openSqliteStore` in place of `openMemoryStore`. Whoever has a client
// of an app has it too: `const memory = await troupe.memory()`.

import { openContextStore, openMemoryStore } from "../src/index.ts";

await using entries = await openMemoryStore({ bucket: "memory" });
await using facts = await openMemoryStore({ bucket: "facts", history: 16 });
await using memory = openContextStore({ entries, facts });

const anna = { user: "anna" };
const log = memory.log(anna);
await log.append([
  { text: "I am moving to Oslo in May", speaker: "Anna" },
  { text: "Congratulations! Shall I look for flights?", role: "assistant" },
  { text: "Yes, but no early ones. I hate getting up.", speaker: "Anna", pinned: true },
]);

// Two that count at the same time: both count.
const visits = memory.facts(anna);
await Promise.all([1, 2].map(() => visits.update("visits", (count) => Number(count ?? 0) + 1)));

// A live copy in this process: reading it asks nobody.
await using replica = await memory.replica(anna);
console.log("visits:", replica.fact("visits")?.value);
console.log(
  "window:",
  replica.window({ tokens: 40 }).entries.map(({ text }) => text),
);

const { hits } = await memory.recall("does Anna like early flights?", { k: 1 });
for (const { document, why } of hits) {
  console.log("recalled:", document.text, `(${document.key}, revision ${document.revision})`);
  console.log("because of:", why.matched.map(({ word, field }) => `${word} in ${field}`).join(", "));
}

const receipt = await memory.erase(anna);
console.log("erased:", receipt.scopes[0]?.entries, "entries;", (await memory.verify(receipt)).kind);
console.log("recalled now:", (await memory.recall("does Anna like early flights?")).hits.length);
