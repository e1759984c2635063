// Makes much that is dead soon, and prints how much of it the old generation held at most all the same:
// `node --expose-gc garbage.ts plain-map|fleeting-map|hooks`. Unit: bytes.

import { getHeapSpaceStatistics } from "node:v8";
import { FleetingMap } from "../../src/core/fleeting-map.ts";
import { observe } from "../../src/workflow/hooks.ts";

const rounds = 10_000;
const heldAtOnce = 64;
/** What each of them holds: 8 kB, so that all together are several times the young generation. */
const burden = () => new Array<number>(1_000).fill(1);

function fill(map: Pick<Map<string, unknown>, "delete"> & { set(key: string, value: unknown): unknown }): void {
  for (let at = 0; at < rounds; at += 1) {
    map.set(`key ${at}`, burden());
    map.delete(`key ${at - heldAtOnce}`);
    look(at);
  }
}

function callHooks(): void {
  const observers = { hooks: { onTransition: () => undefined }, progress: undefined };
  const transitions = [{ path: "", from: "new", to: "running" }] as const;
  for (let at = 0; at < rounds; at += 1) {
    const turn = { self: { type: "run", id: "r" }, burden: burden() };
    observe(observers, turn as never, {} as never, { state: {}, phase: "running", marks: {} }, transitions);
    look(at);
  }
}

function oldBytes(): number {
  const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === "old_space");
  if (space === undefined) throw new Error("this V8 has no old generation of that name");
  return space.space_used_size;
}

let most = 0;

/** Now and then: a full collection may come at any time. */
function look(at: number): void {
  if (at % 100 === 0) most = Math.max(most, oldBytes());
}

const plain = new Map<string, unknown>();
const fleeting = new FleetingMap<string, unknown>();
const work = new Map([
  ["plain-map", () => fill(plain)],
  ["fleeting-map", () => fill(fleeting)],
  ["hooks", callHooks],
]).get(process.argv[2] ?? "");
if (work === undefined || globalThis.gc === undefined) throw new Error("which kind of garbage, with --expose-gc?");

work();
globalThis.gc(); // What lives by now, tables of maps among it, is moved to the old generation.
const before = oldBytes();
most = before;
work();
console.log(String(most - before));
