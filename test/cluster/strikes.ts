// What each kind of fault does to its victim, and what mends it.

import type { DeployedServer } from "../support/nats-cluster.ts";
import type { Direction } from "../support/tcp-proxy.ts";
import type { Caller } from "./caller.ts";
import type { WorkerProcess } from "./fleet.ts";
import type { Route } from "./route.ts";
import type { FaultOf } from "./schedule.ts";

/** Ends the fault; undefined when there is nothing to end. */
export type Mend = (() => void | Promise<void>) | undefined;

export function strikeWorker(kind: FaultOf<"worker">, worker: WorkerProcess, direction: Direction): Mend {
  const { route } = worker;
  switch (kind) {
    case "kill-worker":
      worker.kill();
      return undefined;
    case "drain-worker":
      worker.drain();
      return undefined;
    case "freeze-worker":
    case "pause-worker":
      worker.freeze();
      return () => worker.thaw();
    case "cut-worker":
      route.cut();
      return undefined;
    case "bar-worker":
      route.refuse();
      return () => route.heal();
    case "isolate-worker":
      return hold(route, "both");
    case "mute-worker":
      return hold(route, "to-server");
    case "deafen-worker":
      return hold(route, "to-client");
    case "blackhole-worker":
      return swallow(route, direction);
  }
}

export function strikeClient(kind: FaultOf<"client">, { route }: Caller, direction: Direction): Mend {
  switch (kind) {
    case "cut-client":
      route.cut();
      return undefined;
    case "isolate-client":
      return hold(route, "both");
    case "blackhole-client":
      return swallow(route, direction);
  }
}

export function strikeServer(kind: FaultOf<"server" | "leader">, server: DeployedServer): Mend {
  switch (kind) {
    case "freeze-server":
      server.freeze();
      return () => server.thaw();
    case "kill-server":
    case "kill-leader":
      return restartAfter(server, server.kill9());
    case "restart-server":
      return restartAfter(server, server.stop());
    case "retire-server": // Takes half a minute: it lets its clients go one by one.
      return restartAfter(server, server.retire());
  }
}

function hold(route: Route, direction: Direction): Mend {
  route.hold(direction);
  return () => route.heal();
}

function swallow(route: Route, direction: Direction): Mend {
  route.swallow(direction);
  return () => route.cut();
}

function restartAfter(server: DeployedServer, gone: Promise<void>): Mend {
  const isGone = gone.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return async () => {
    const failure = await isGone;
    if (failure !== undefined) throw failure;
    await server.restart();
  };
}
