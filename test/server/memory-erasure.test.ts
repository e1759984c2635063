// An erasure on a real server while other processes write to the scope.

import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { openLink } from "../../src/kv/nats-link.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import { eraseScope } from "../../src/memory/erasure.ts";
import { verifyErasure } from "../../src/memory/erasure-scan.ts";
import { ValueCodecs } from "../../src/memory/value-codec.ts";
import { checkRace, prepareRace } from "../contract/memory-erasure-race.contract.ts";
import { startProgram } from "../support/cli.ts";
import { racedScope } from "../support/erasure-writers.ts";
import { startTestServer } from "../support/nats-server.ts";
import { tempFolder } from "../support/temp-folder.ts";

const writerFile = fileURLToPath(new URL("../support/erasure-writer.ts", import.meta.url));

test("what three processes were writing does not come back; what they write afterwards stands", async () => {
  await using folder = await tempFolder();
  await using server = await startTestServer();
  await using link = await openLink({ servers: server.url });
  for (let round = 1; round <= 2; round += 1) {
    const app = `race${round}`;
    const stores = {
      entries: await openNatsStore({ link, bucket: `${app}_memory`, history: 1 }),
      facts: await openNatsStore({ link, bucket: `${app}_facts`, history: 16 }),
      ...{ clock: systemClock, codecs: new ValueCodecs() },
    };
    await prepareRace(stores);
    const names = ["p1", "p2", "p3"];
    const writers = names.map((name) =>
      startProgram(process.execPath, [writerFile, server.url, app, name], { cwd: folder.path }),
    );
    await Promise.all(writers.map((writer) => writer.line("out", (line) => line === "round")));
    const receipt = await eraseScope(stores, racedScope);
    for (const { code, err, out } of await Promise.all(writers.map(({ ended }) => ended))) {
      expect([code, err]).toEqual([0, ""]);
      expect(out.trimEnd().split("\n").slice(-2)).toEqual(["refused", "anew"]);
    }
    await checkRace(stores, names);
    expect(await verifyErasure(stores, receipt)).toMatchObject({ kind: "clean" });
  }
}, 120_000);
