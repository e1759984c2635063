import { expect, test } from "vitest";
import { WriteLanes } from "../../src/kv/write-lanes.ts";

/** Lets everything run that can run now. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Works that end when they are told to, and what is known of them. */
function openLanes() {
  const lanes = new WriteLanes();
  const started: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<string>>();
  const run = (name: string, ...keys: string[]) =>
    lanes.run(keys, () => {
      started.push(name);
      const end = Promise.withResolvers<string>();
      ends.set(name, end);
      return end.promise;
    });
  const finish = async (name: string) => {
    ends.get(name)?.resolve(name);
    await turn();
  };
  return { run, started, finish, ends };
}

test("works that name a key in common go one after the other, in order, whether they fail or not (W1)", async () => {
  const { run, started, finish, ends } = openLanes();
  const all = [run("1", "a"), run("2", "a", "b"), run("3", "b"), run("4", "c")];
  await turn();
  expect(started).toEqual(["1", "4"]);
  await finish("1");
  expect(started).toEqual(["1", "4", "2"]);
  ends.get("2")?.reject(new Error("refused"));
  await expect(all[1]).rejects.toThrow("refused");
  await turn();
  expect(started).toEqual(["1", "4", "2", "3"]);
  await Promise.all(["3", "4"].map(finish));
  expect(await Promise.all([all[0], all[2], all[3]])).toEqual(["1", "3", "4"]);
});

test("no more than 16 are under way, and each that waits gets its turn (W2)", async () => {
  const { run, started, finish } = openLanes();
  const names = Array.from({ length: 40 }, (_, at) => `w${at}`);
  const all = Promise.all(names.map((name) => run(name, name)));
  await turn();
  for (let ended = 0; ended < names.length; ended += 1) {
    expect(started).toEqual(names.slice(0, ended + 16));
    await finish(names[ended] ?? "");
  }
  expect(await all).toEqual(names);
});
