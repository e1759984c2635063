import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { askHolder, claimFolder, removeDeadSocket } from "../../src/cli/local-server/folder-claim.ts";
import { launchServer } from "../../src/cli/local-server/launch.ts";
import { waitUntilGone } from "../../src/cli/local-server/leftover.ts";
import { findLocalServer, startLocalServer } from "../../src/cli/local-server/start.ts";
import { isAtLeast, readVersion, versionMin } from "../../src/cli/local-server/version.ts";
import { isAlive } from "../support/cli.ts";
import { saysVersion, writeProgram } from "../support/fake-programs.ts";
import { serverBinary } from "../support/nats-server.ts";
import { tempFolder } from "../support/temp-folder.ts";

const startModule = new URL("../../src/cli/local-server/start.ts", import.meta.url).href;

/** Another process that starts the server of the folder and prints what it got, one line. */
async function otherProcess(dataDir: string) {
  const code = `
    const { startLocalServer } = await import(${JSON.stringify(startModule)});
    const { port, pid, isShared } = await startLocalServer(${JSON.stringify({ binary: await serverBinary(), dataDir })});
    console.log(JSON.stringify({ port, pid, isShared }));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  return { child, ...(JSON.parse(String(line)) as { port: number; pid: number; isShared: boolean }) };
}

test("the server that is found is new enough and says so itself", async () => {
  const outcome = await readVersion(await serverBinary());
  expect(outcome.kind === "version" && isAtLeast(outcome.version, versionMin)).toBe(true);
});

test("it serves JetStream on the loopback, keeps its store in the folder, and comes back on the same port", async () => {
  await using folder = await tempFolder();
  const options = { binary: await serverBinary(), dataDir: folder.path };
  const log: string[] = [];
  const first = await startLocalServer({ ...options, onLog: (line) => log.push(line) });
  const connection = await connect({ servers: first.url });
  await (await jetstreamManager(connection)).streams.add({ name: "S", subjects: ["s"] });
  await jetstream(connection).publish("s", "1");
  await connection.close();
  await first.stop();
  expect(isAlive(first.pid)).toBe(false);
  expect(log.some((line) => line.includes(`127.0.0.1:${first.port}`))).toBe(true);
  expect(await readFile(join(folder.path, ".gitignore"), "utf8")).toBe("*\n");

  await using second = await startLocalServer(options);
  expect(second).toMatchObject({ port: first.port, isShared: false });
  const again = await connect({ servers: second.url });
  expect((await (await jetstreamManager(again)).streams.info("S")).state.messages).toBe(1);
  await again.close();
});

test("C1, C3: the second start in a folder joins the first, and stopping it stops nothing", async () => {
  await using folder = await tempFolder();
  const options = { binary: await serverBinary(), dataDir: folder.path };
  expect(await findLocalServer(folder.path)).toBeUndefined();
  const [one, two] = await Promise.all([startLocalServer(options), startLocalServer(options)]);
  expect(one.pid).toBe(two.pid);
  const [own, shared] = one.isShared ? [two, one] : [one, two];
  expect([own.isShared, shared.isShared]).toEqual([false, true]);
  await shared.stop();
  expect(isAlive(own.pid)).toBe(true);
  expect(await findLocalServer(folder.path)).toMatchObject({ port: own.port, pid: own.pid, isShared: true });
  await own.stop();
  expect(await shared.exited).toBe("the process that ran it has ended");
  expect(await findLocalServer(folder.path)).toBeUndefined();
});

test("C2: after a holder was killed its server is gone and the folder is free, with the same port and store", async () => {
  await using folder = await tempFolder();
  const other = await otherProcess(folder.path);
  const joined = await startLocalServer({ binary: await serverBinary(), dataDir: folder.path });
  expect(joined).toMatchObject({ port: other.port, pid: other.pid, isShared: true });
  const connection = await connect({ servers: joined.url, reconnect: false });
  const closed = connection.closed();
  other.child.kill("SIGKILL");
  await joined.exited;
  await closed;
  await using own = await startLocalServer({ binary: await serverBinary(), dataDir: folder.path });
  expect(own.isShared).toBe(false);
});

test("two servers never share a store: one that was left behind, without its guard, is ended first", async () => {
  await using folder = await tempFolder();
  const binary = await serverBinary();
  const first = await startLocalServer({ binary, dataDir: folder.path });
  await first.stop();
  const name = `troupe-${createHash("sha256").update(folder.path).digest("hex").slice(0, 12)}`;
  const args = ["-a", "127.0.0.1", "-p", String(first.port), "-n", name, "-js", "-sd", join(folder.path, "nats")];
  const left = await launchServer({ binary, args });
  const state = { version: 1, port: left.port, pid: left.pid };
  await writeFile(join(folder.path, "server.json"), JSON.stringify(state));
  await using second = await startLocalServer({ binary, dataDir: folder.path });
  // It has the port of the one before, which that one held for as long as it lived.
  expect(second).toMatchObject({ port: first.port, isShared: false });
  await left.exited;
});

test("L1, L2: a server that is left behind is not gone while it cannot be heard, nor before its process has ended", async () => {
  // It takes its time to end when it is asked to.
  const child = spawn("/bin/sh", ["-c", "trap '' TERM; read -r _"], { stdio: ["pipe", "ignore", "ignore"] });
  const hello = (name: string) => `INFO {"server_name":"${name}"}\r\n`;
  // What each look is answered: at first nothing, then by the server (once while this process stands still, for longer than a
  // guard takes, and hears of the end of its wait first), then by another program that has its port.
  const answers = ["", hello("left"), hello("left"), hello("other"), hello("other")];
  const stillness = new Int32Array(new SharedArrayBuffer(4));
  const looks = answers.map(() => Promise.withResolvers<string>());
  let nth = 0;
  const port = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.write(answers[nth] ?? hello("other"));
    if (nth === 1) Atomics.wait(stillness, 0, 0, 3_500);
    looks[nth]?.resolve("looked again");
    nth += 1;
  }).listen(0, "127.0.0.1");
  await once(port, "listening");
  const left = { port: (port.address() as AddressInfo).port, pid: child.pid ?? 0, name: "left" };
  const gone = waitUntilGone(left).then(() => "gone");
  for (const { promise } of looks) expect(await Promise.race([gone, promise])).toBe("looked again");
  child.stdin.end();
  expect(await gone).toBe("gone");
  port.close();
});

test.runIf(existsSync("/proc"))(
  "L2: a process that has ended is gone, also when nobody takes note of its end, as in a container",
  async () => {
    // It ends when its parent has become what does not know of a child: the shell might take note.
    const child = '(until [ "$(cat /proc/$$/comm)" = sleep ]; do :; done)';
    const script = `${child} & echo $!; exec sleep 60`;
    const parent = spawn("/bin/sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"] });
    try {
      const [printed] = await once(parent.stdout, "data");
      const port = createServer((socket) => {
        socket.on("error", () => socket.destroy());
        socket.end('INFO {"server_name":"left"}\r\n');
        port.close();
      }).listen(0, "127.0.0.1");
      await once(port, "listening");
      await waitUntilGone({ port: (port.address() as AddressInfo).port, pid: Number(String(printed)), name: "left" });
      expect(process.kill(Number(String(printed)), 0)).toBe(true);
    } finally {
      parent.kill("SIGKILL");
    }
  },
);

test("C2: of many that find a dead holder's socket exactly one takes over", async () => {
  await using folder = await tempFolder();
  const other = await otherProcess(folder.path);
  const exited = once(other.child, "exit");
  other.child.kill("SIGKILL");
  await exited;
  expect(await readdir(folder.path)).toContain("server.sock");
  let held = 0;
  const claims = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const claim = await claimFolder(folder.path);
      if (claim.kind === "held") {
        held += 1;
        claim.announce("here");
      }
      return claim;
    }),
  );
  expect(held).toBe(1);
  for (const claim of claims) if (claim.kind === "held") await claim.release();
  expect(claims.filter((claim) => claim.kind === "taken" && claim.line === "here")).toHaveLength(7);
});

test("C3: who waits for a holder that says nothing yet is told so, and gets what it announces then", async () => {
  await using folder = await tempFolder();
  const claim = await claimFolder(folder.path);
  if (claim.kind !== "held") throw new Error("the folder is new");
  const told = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const waiting = claimFolder(folder.path, { onWaiting: told[0].resolve });
  const asking = askHolder(folder.path, { onWaiting: told[1].resolve });
  await Promise.all(told.map(({ promise }) => promise));
  claim.announce("here");
  expect([await waiting, await asking]).toMatchObject([{ line: "here" }, { line: "here" }]);
  await claim.release();
});

test("C1: a socket that was taken over since it was found dead is not removed", async () => {
  await using folder = await tempFolder();
  const claim = await claimFolder(folder.path);
  if (claim.kind !== "held") throw new Error("the folder is new");
  claim.announce("here");
  await removeDeadSocket(join(folder.path, "server.sock"), AbortSignal.timeout(5_000));
  expect(await askHolder(folder.path)).toMatchObject({ line: "here" });
  await claim.release();
});

test("a state file that was cut off by a crash is ignored", async () => {
  await using folder = await tempFolder();
  await writeFile(join(folder.path, "server.json"), '{"version":1,"po');
  await using server = await startLocalServer({ binary: await serverBinary(), dataDir: folder.path });
  expect(JSON.parse(await readFile(join(folder.path, "server.json"), "utf8"))).toMatchObject({ port: server.port });
});

test("a server that ends before it is ready is reported with the end of its log, and the folder is free again", async () => {
  await using folder = await tempFolder();
  const broken = await writeProgram(join(folder.path, "broken"), "echo 'no space left on device' >&2; exit 1");
  const dataDir = join(folder.path, "data");
  const failure = startLocalServer({ binary: broken, dataDir });
  await expect(failure).rejects.toMatchObject({ code: "SERVER_UNREACHABLE" });
  await expect(failure).rejects.toThrow(/ended at once \(exit code 1\)[\s\S]*no space left on device/);
  await using server = await startLocalServer({ binary: await serverBinary(), dataDir });
  expect(server.isShared).toBe(false);
});

test("a program that is no server, or is not there, is reported", async () => {
  await using folder = await tempFolder();
  const version = await writeProgram(join(folder.path, "version"), saysVersion("2.15.2"));
  const dataDir = join(folder.path, "data");
  await expect(startLocalServer({ binary: version, dataDir })).rejects.toThrow(/ended at once \(exit code 0\)/);
  const missing = join(folder.path, "missing");
  await expect(startLocalServer({ binary: missing, dataDir })).rejects.toThrow(/ENOENT/);
});

test("a port that is taken is refused when it was asked for", async () => {
  await using folder = await tempFolder();
  const binary = await serverBinary();
  await using first = await startLocalServer({ binary, dataDir: join(folder.path, "a") });
  const second = startLocalServer({ binary, dataDir: join(folder.path, "b"), port: first.port });
  await expect(second).rejects.toThrow(/address already in use/);
});

test("a server that dies by itself says so and leaves the folder to the next", async () => {
  await using folder = await tempFolder();
  const options = { binary: await serverBinary(), dataDir: folder.path };
  const first = await startLocalServer(options);
  process.kill(first.pid, "SIGKILL");
  expect(await first.exited).toBe("signal SIGKILL");
  await first.stop();
  await using second = await startLocalServer(options);
  expect(second.isShared).toBe(false);
  expect(second.pid).not.toBe(first.pid);
});
