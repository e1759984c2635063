// What a watcher and a reader of histories see.

import { expect, test } from "vitest";
import type { Change } from "../../src/runtime/changes.ts";
import { within } from "./mail-support.ts";
import { actors, counter } from "./runtime-actors.ts";
import type { OpenRuntime } from "./runtime-support.ts";
import { Stage } from "./runtime-support.ts";

/** What a change is, in few words. */
function brief(change: Change<unknown>): string {
  if (change.kind === "restarted") return "restarted";
  if (change.kind !== "committed") return `${change.actor.id} ${change.kind}`;
  const { actor, state, patch, isSnapshot } = change;
  const { count } = state as { readonly count: number };
  const paths = patch.map(({ op, path }) => `${op} ${path}`).join(", ");
  return `${isSnapshot ? "stood: " : ""}${actor.id} ${count} (${paths})`;
}

async function collect<T>(changes: AsyncIterable<T>, into: T[], isEnough: () => boolean): Promise<void> {
  for await (const change of changes) {
    into.push(change);
    if (isEnough()) return;
  }
}

export function runtimeWatchContract(name: string, open: OpenRuntime): void {
  test(`${name}: a watcher sees what stands, then each change with its patch, and deletions`, async () => {
    await using stage = await Stage.open(open);
    const { client } = await stage.both(actors);
    const actor = client.actor(counter, "c");
    await actor.ask.add(1);
    const seen: Change<unknown>[] = [];
    const started = Promise.withResolvers<void>();
    const watching = collect(actor.watch(), seen, () => {
      started.resolve();
      return seen.length === 4;
    });
    await within("the watch began", started.promise);
    await actor.ask.add(2);
    await actor.ask.see(9);
    await client.ports.state.delete("counter.c");
    await within("four changes", watching);
    expect(seen.map(brief)).toEqual(["stood: c 1 (add )", "c 3 (replace /count)", "c 3 (add /seen/0)", "c deleted"]);
    const revisions = seen.map((change) => (change.kind === "restarted" ? 0 : change.revision));
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
  });

  test(`${name}: a watch of a pattern sees all actors that match, and ends with its signal`, async () => {
    await using stage = await Stage.open(open);
    const { client } = await stage.both(actors);
    for (const id of ["a", "b"]) await client.actor(counter, id).ask.add(1);
    await client.untyped("asker", "x").ask("walk", []);
    const stop = new AbortController();
    const seen: Change<unknown>[] = [];
    const watching = collect(client.watch("counter.*", { signal: stop.signal }), seen, () => {
      if (seen.length === 2) stop.abort();
      return false;
    });
    await within("the watch ends", watching);
    expect(seen.map(brief).sort()).toEqual(["stood: a 1 (add )", "stood: b 1 (add )"]);
    expect(await client.list("counter.*")).toEqual(["counter.a", "counter.b"]);
    expect(await client.list(">")).toEqual(["asker.x", "counter.a", "counter.b"]);
  });

  test(`${name}: a history has the last eight values, oldest first, each with its patch`, async () => {
    await using stage = await Stage.open(open);
    const { client } = await stage.both(actors);
    const actor = client.actor(counter, "c");
    expect(await actor.history()).toEqual([]);
    for (let n = 1; n <= 10; n += 1) await actor.ask.add(1);
    const history = await actor.history();
    expect(history.map(brief)).toEqual([
      "c 3 (add )",
      ...[4, 5, 6, 7, 8, 9, 10].map((count) => `c ${count} (replace /count)`),
    ]);
    expect(history.at(-1)).toMatchObject({ revision: (await actor.get())?.revision });
  });

  test(`${name}: a value that is none of ours is told as unreadable, and the watch of all others goes on (P8)`, async () => {
    await using stage = await Stage.open(open);
    const { client } = await stage.both(actors);
    await client.actor(counter, "a").ask.add(1);
    await client.ports.state.put("counter.bad", new TextEncoder().encode("hello"));
    await client.actor(counter, "b").ask.add(1);
    const seen: Change<unknown>[] = [];
    await within(
      "three changes",
      collect(client.watch("counter.*"), seen, () => seen.length === 3),
    );
    expect(seen.map(brief)).toEqual(["stood: a 1 (add )", "bad unreadable", "stood: b 1 (add )"]);
  });

  test(`${name}: an ask or a tell that no message can carry is refused at the door (P10)`, async () => {
    await using stage = await Stage.open(open);
    const { client } = await stage.both(actors);
    const large = "x".repeat(client.ports.mail.payloadBytesMax);
    const refusal = { code: "PAYLOAD_TOO_LARGE" };
    await expect(client.untyped("counter", "a").ask("add", large)).rejects.toMatchObject(refusal);
    await expect(client.untyped("counter", "a").tell("add", large)).rejects.toMatchObject(refusal);
  });
}
