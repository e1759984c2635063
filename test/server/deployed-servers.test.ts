// The files of deploy/nats: what nats-server makes of them, and that they open nothing to the world by themselves.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startSingleServer } from "../support/nats-cluster.ts";
import { serverBinary } from "../support/nats-server.ts";

const folder = fileURLToPath(new URL("../../deploy/nats/", import.meta.url));
const files = ["single", "cluster/n1", "cluster/n2", "cluster/n3"];

/** What the file of values beside a configuration holds, as a shell reads it. */
async function valuesOf(file: string): Promise<Record<string, string>> {
  const text = await readFile(`${folder}${file}.env`, "utf8");
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line) => {
      const [name = "", ...value] = line.split("=");
      return [name, value.join("=").replace(/^"(.*)"$/, "$1")];
    }),
  );
}

/** What `nats-server -t` says about a configuration in an environment. */
async function checked(file: string, env: Record<string, string>): Promise<string> {
  const binary = await serverBinary();
  return new Promise((resolve) => {
    execFile(binary, ["-t", "-c", `${folder}${file}.conf`], { env }, (_error, out, err) => resolve(out + err));
  });
}

test.each(files)("%s.conf is valid with the values beside it, and names each that is missing", async (file) => {
  const values = await valuesOf(file);
  expect(await checked(file, values)).toContain("is valid");
  for (const name of Object.keys(values)) {
    const { [name]: _left, ...rest } = values;
    expect(await checked(file, rest)).toContain(`variable reference for '${name}'`);
  }
});

test.each(files)("%s.env lets nothing listen beyond the loopback", async (file) => {
  const addresses = Object.values(await valuesOf(file)).flatMap((value) => value.match(/[\w.]+(?=:\d+\b)/g) ?? []);
  expect(addresses.length).toBeGreaterThanOrEqual(2);
  expect(new Set(addresses)).toEqual(new Set(["127.0.0.1"]));
});

test("a server that runs from single.conf has taken every setting", async () => {
  await using server = await startSingleServer({ env: { TROUPE_NATS_SYNC: "always" } });
  const answer = await fetch(`${server.monitorUrl}/varz`);
  expect(await answer.json()).toMatchObject({
    ...{ server_name: "single", host: "127.0.0.1", http_host: "127.0.0.1", max_payload: 1_048_576 },
    ...{ max_pending: 67_108_864, ping_interval: 2_000_000_000, ping_max: 2, write_deadline: 5_000_000_000 },
    jetstream: { config: { max_memory: 67_108_864, max_storage: 1_073_741_824, sync_always: true } },
  });
});
