// The same by hand: a run is a key, and each of its five steps one compare-and-set of it.

import { jetstream } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import type { Place, WorkflowSide } from "../side.ts";
import { settle } from "../side.ts";
import { bucketBytes } from "../workflow-bytes.ts";

const steps = 5;

export async function open({ servers, app }: Place): Promise<WorkflowSide> {
  const connection = await connect({ servers });
  const kv = await new Kvm(jetstream(connection)).open(`${app}_state`, { allow_direct: true });

  async function run(id: string): Promise<number> {
    let revision = 0;
    for (let done = 1; done <= steps; done += 1) {
      const value = JSON.stringify({ phase: done === steps ? "completed" : "running", done });
      revision = await kv.put(`five.${id}`, value, { previousSeq: revision });
    }
    return steps;
  }

  const never = () => {
    throw new Error("nobody waits by hand");
  };
  return {
    run: (id, done) => settle(run(id), done),
    ...{ wait: never, wake: never },
    bytes: () => bucketBytes(servers, app),
    close: () => connection.close(),
  };
}
