// Troupe's central state store.

import { z } from "zod";
import { openLink } from "../../src/kv/nats-link.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import { defineState } from "../../src/memory/state-model.ts";
import { openStateStore } from "../../src/memory/state-store.ts";
import type { CentralSide, Place } from "../side.ts";
import { settle } from "../side.ts";

const account = defineState("account", { schema: z.object({ balance: z.number(), owner: z.string() }) });

export async function open({ servers, app }: Place): Promise<CentralSide> {
  const link = await openLink({ servers });
  const kv = await openNatsStore({ link, bucket: `${app}_central`, history: 8 });
  const states = openStateStore({ kv, actor: "bench" });
  const accounts = states.of(account);

  async function fill(count: number): Promise<void> {
    const inFlight = 256;
    const lanes = Array.from({ length: inFlight }, async (_, lane) => {
      for (let at = lane; at < count; at += inFlight) {
        await accounts.create(`k${at}`, { balance: 1_000, owner: `owner ${at % 100}` });
      }
    });
    await Promise.all(lanes);
  }

  async function update(id: string): Promise<number> {
    const changed = await accounts.update(id, (data) => {
      data.balance += 1;
    });
    if (changed.kind !== "changed") throw new Error(`${id}: ${changed.kind}`);
    return changed.state.revision;
  }

  async function transact(ids: readonly string[]): Promise<number> {
    const refs = ids.map((id) => accounts.ref(id));
    const outcome = await states.transact(refs, (tx) => {
      refs.forEach((ref, at) => {
        tx.update(ref, (data) => {
          data.balance += at % 2 === 0 ? 1 : -1;
        });
      });
    });
    if (outcome.kind !== "committed") throw new Error(outcome.kind);
    return outcome.revisions.size;
  }

  async function query(): Promise<number> {
    const page = await accounts.query({
      where: ({ data }) => data.owner === "owner 7",
      orderBy: { by: ({ data }) => data.balance, direction: "descending" },
      limit: 10,
    });
    return page.states.length;
  }

  async function sum(keys: number): Promise<number> {
    const found = await accounts.getMany(Array.from({ length: keys }, (_, at) => `k${at}`));
    return [...found.values()].reduce((all, { data }) => all + data.balance, 0);
  }

  return {
    fill,
    sum,
    update: (id, done) => settle(update(id), done),
    transact: (ids, done) => settle(transact(ids), done),
    query: (_matches, done) => settle(query(), done),
    async close() {
      await kv.close();
      await link.close();
    },
  };
}
