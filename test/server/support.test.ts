// What the other tests stand on: the test server and the proxy do what they say.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect as connectNats } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { isAlive } from "../support/cli.ts";
import { startTestServer } from "../support/nats-server.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { tempFolder } from "../support/temp-folder.ts";

test("what was acknowledged is there after kill -9 and a restart on the same port", async () => {
  await using server = await startTestServer();
  const connection = await connectNats({ servers: server.url });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: "S", subjects: ["s.>"] });
  await jetstream(connection).publish("s.a", "1");
  await connection.close();
  const firstPid = server.pid;

  await server.kill9();
  expect(isAlive(firstPid)).toBe(false);
  await server.restart();

  expect(server.pid).not.toBe(firstPid);
  const again = await connectNats({ servers: server.url });
  const info = await (await jetstreamManager(again)).streams.info("S");
  expect(info.state.messages).toBe(1);
  await again.close();
});

test("extra configuration counts, and the folder of the server is gone after it", async () => {
  let storeDir: string;
  {
    await using server = await startTestServer({ config: "max_payload: 4096\njetstream { max_file_store: 10MB }" });
    storeDir = server.storeDir;
    const connection = await connectNats({ servers: server.url });
    expect(connection.info?.max_payload).toBe(4096);
    const account = await (await jetstreamManager(connection)).getAccountInfo();
    expect(account.storage).toBe(0);
    expect(existsSync(storeDir)).toBe(true);
    await connection.close();
  }
  expect(existsSync(storeDir)).toBe(false);
});

test("a frozen server answers nothing, and everything once it is thawed", async () => {
  await using server = await startTestServer();
  const connection = await connectNats({ servers: server.url });
  server.freeze();
  const flushed = connection.flush();
  await expect(Promise.race([flushed.then(() => "answered"), late(200)])).resolves.toBe("late");
  server.thaw();
  await flushed;
  await connection.close();
});

test("a frozen server can be stopped", async () => {
  await using server = await startTestServer();
  server.freeze();
  await server.stop();
  expect(isAlive(server.pid)).toBe(false);
});

test("no server outlives a test process that is killed", async () => {
  const code = `
    const { startTestServer } = await import(${JSON.stringify(new URL("../support/nats-server.ts", import.meta.url).href)});
    const server = await startTestServer();
    console.log(server.port);
    setInterval(() => {}, 1000);`;
  // A process that is killed leaves its temporary folder behind, so it gets one that goes with this test.
  await using folder = await tempFolder();
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, TMPDIR: folder.path },
  });
  const [printed] = await once(child.stdout, "data");
  const socket = connect(Number(String(printed)), "127.0.0.1");
  const closed = once(socket, "close");
  await once(socket, "data");
  child.kill("SIGKILL");
  await closed;
});

test("the proxy forwards, swallows, cuts, refuses and heals", async () => {
  await using server = await startTestServer();
  await using proxy = await startTcpProxy(server.port);
  const connection = await connectNats({
    servers: proxy.url,
    reconnectTimeWait: 10,
    reconnectJitter: 10,
    maxReconnectAttempts: -1,
  });
  const seen: string[] = [];
  const waiting = new Map<string, () => void>();
  void (async () => {
    for await (const status of connection.status()) {
      seen.push(status.type);
      waiting.get(status.type)?.();
    }
  })();
  const next = (type: string) => new Promise<void>((resolve) => waiting.set(type, resolve));
  await connection.flush();
  expect(proxy.connections).toBe(1);

  proxy.swallow("to-client");
  await expect(Promise.race([connection.flush().then(() => "answered"), late(200)])).resolves.toBe("late");
  const reconnected = next("reconnect");
  proxy.cut();
  await reconnected;
  await connection.flush();

  const disconnected = next("disconnect");
  proxy.refuse();
  await disconnected;
  expect(proxy.connections).toBe(0);
  const back = next("reconnect");
  proxy.heal();
  await back;
  await connection.flush();
  await connection.close();
});

test("what the proxy holds arrives late, in order and whole; in the other direction nothing waits", async () => {
  await using server = await startTestServer();
  await using proxy = await startTcpProxy(server.port);
  const sender = await connectNats({ servers: proxy.url });
  const receiver = await connectNats({ servers: server.url });
  const seen: string[] = [];
  receiver.subscribe("to.>", { callback: (_error, message) => void seen.push(message.string()) });
  const heard = new Promise<string>((resolve) => {
    sender.subscribe("back", { callback: (_error, message) => resolve(message.string()) });
  });
  await Promise.all([sender.flush(), receiver.flush()]);

  proxy.hold("to-server");
  for (const text of ["one", "two", "three"]) sender.publish(`to.${text}`, text);
  const flushed = sender.flush();
  receiver.publish("back", "hello");
  expect(await heard).toBe("hello");
  await expect(Promise.race([flushed.then(() => "answered"), late(200)])).resolves.toBe("late");
  expect(seen).toEqual([]);
  proxy.heal();
  await flushed;
  await receiver.flush();
  expect(seen).toEqual(["one", "two", "three"]);

  proxy.hold("both");
  const again = sender.flush();
  await expect(Promise.race([again.then(() => "answered"), late(200)])).resolves.toBe("late");
  proxy.heal();
  await again;
  await Promise.all([sender.close(), receiver.close()]);
});

async function late(ms: number): Promise<"late"> {
  const signal = AbortSignal.timeout(ms);
  await once(signal, "abort");
  return "late";
}
