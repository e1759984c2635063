import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { defineActor } from "../../src/actors/definition.ts";
import { silentLogger } from "../../src/core/log.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import { resolveOptions, resolveWorkerOptions } from "../../src/runtime/options.ts";

const actor = (type: string) => defineActor(type, { state: z.object({}), initial: {} }, {});
const ports = memoryPorts();
const refused = (code: string, text: RegExp) => expect.objectContaining({ code, message: expect.stringMatching(text) });

let natsUrl: string | undefined;
beforeEach(() => {
  natsUrl = process.env.NATS_URL;
});
afterEach(() => {
  if (natsUrl === undefined) delete process.env.NATS_URL;
  else process.env.NATS_URL = natsUrl;
});

test("what is left out has its default, and the caller's object stays as it was", () => {
  const options = Object.freeze({ ports, actors: [actor("a")], logger: silentLogger });
  expect(resolveWorkerOptions(options)).toMatchObject({
    ...{ app: "troupe", pool: "main", partitionCount: undefined, drainMsMax: 10_000, openPorts: ports },
    ...{ activationsMax: 100_000, mailboxBytesMax: 64 * 1_048_576, handOverMsMax: 60_000 },
  });
  expect(resolveWorkerOptions({ ...options, drainMsMax: 0, partitions: 7, app: "desk", pool: "big" })).toMatchObject({
    ...{ app: "desk", pool: "big", partitionCount: 7, drainMsMax: 0 },
  });
});

test("ports that are given win over any server", () => {
  process.env.NATS_URL = "nats://nowhere:1";
  expect(resolveOptions({ ports }, "client").openPorts).toBe(ports);
  expect(resolveOptions({}, "client").openPorts).not.toBe(ports);
});

test("what makes no sense is refused at the start, and says what came", () => {
  for (const value of [0, -1, 1.5, Number.NaN, "4"]) {
    const wrong = value as number;
    expect(() => resolveOptions({ partitions: wrong }, "client")).toThrow(refused("OPTION_INVALID", /partitions.*got/));
    expect(() => resolveOptions({ replicas: wrong }, "client")).toThrow(refused("OPTION_INVALID", /replicas/));
    expect(() => resolveOptions({ history: wrong }, "client")).toThrow(refused("OPTION_INVALID", /history/));
  }
  for (const name of ["", "a.b", "a b", "*", ">", "ä"]) {
    expect(() => resolveOptions({ app: name, ports }, "client"), name).toThrow(refused("NAME_INVALID", /an app/));
    expect(() => resolveOptions({ pool: name, ports }, "client"), name).toThrow(refused("NAME_INVALID", /a pool/));
  }
  const worker = (options: object) => resolveWorkerOptions({ ports, actors: [actor("a")], ...options });
  expect(() => worker({ actors: [] })).toThrow(refused("OPTION_INVALID", /empty/));
  expect(() => worker({ actors: [actor("a"), actor("a")] })).toThrow(refused("OPTION_INVALID", /a twice/));
  const one = actor("a");
  expect([...(worker({ actors: [one, one] }).actors.get("main") ?? [])]).toEqual([["a", one]]);
  for (const name of ["activationsMax", "mailboxBytesMax"]) {
    expect(() => worker({ [name]: 0 }), name).toThrow(refused("OPTION_INVALID", new RegExp(name)));
  }
  expect(() => worker({ drainMsMax: -1 })).toThrow(refused("OPTION_INVALID", /drainMsMax/));
  expect(() => worker({ handOverMsMax: -1 })).toThrow(refused("OPTION_INVALID", /handOverMsMax/));
});
