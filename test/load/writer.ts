// One process of writers: `node writer.ts ORDER`, ORDER being JSON. Writes what it begins and what was acknowledged to a journal,
// one line each, so that what is said there was true when the process was killed.

import { openSync, writeSync } from "node:fs";
import { isTroupeError } from "../../src/core/errors.ts";
import { openLink } from "../../src/kv/nats-link.ts";
import { openNatsStore } from "../../src/kv/nats-store.ts";
import { openStateStore } from "../../src/memory/state-store.ts";
import { account, accountIds, bucket, historyMax, ledger, openingBalance, tally } from "./models.ts";

export interface WriterOrder {
  readonly url: string;
  readonly name: string;
  readonly journal: string;
  readonly writers: number;
  readonly keys: number;
  /** Numbers of its updates begin here, above those of the process that it replaces. */
  readonly firstNumber: number;
}

const order = JSON.parse(process.argv[2] ?? "") as WriterOrder;
const link = await openLink({ servers: order.url, reconnectTimeWait: 50 });
const kv = await openNatsStore({ link, bucket, history: historyMax });
const states = openStateStore({ kv, actor: order.name });
const journal = openSync(order.journal, "a");
const say = (line: string) => writeSync(journal, `${line}\n`);
let isStopping = false;

/** Whether it was acknowledged. What had no effect for sure is told from what may have had one. */
async function fateOf(work: () => Promise<unknown>): Promise<"acknowledged" | "none" | "unknown"> {
  try {
    await work();
    return "acknowledged";
  } catch (thrown) {
    if (!isTroupeError(thrown)) throw thrown;
    // So that a server that is away is not asked in a circle.
    await new Promise<void>((resolve) => void setTimeout(resolve, 20));
    return thrown.code === "OUTCOME_UNKNOWN" ? "unknown" : "none";
  }
}

async function write(writer: number): Promise<void> {
  const name = `${order.name}w${writer}`;
  const key = `k${writer % order.keys}`;
  for (let number = order.firstNumber; !isStopping; number += 1) {
    say(`begin ${key} ${name} ${number}`);
    const fate = await fateOf(() =>
      states.of(tally).update(
        key,
        ({ by }) => {
          const [count, sum, last, faults] = by[name] ?? [0, 0, 0, 0];
          by[name] = [count + 1, sum + number, number, faults + (number <= last ? 1 : 0)];
        },
        { attemptsMax: 10_000, cause: String(number) },
      ),
    );
    say(`${fate} ${key} ${name} ${number}`);
  }
}

async function transfer(): Promise<void> {
  const accounts = states.of(account);
  while (!isStopping) {
    const [from, to] = [0, 1].map(
      (at) => accountIds[(Math.floor(Math.random() * 4) * 2 + at) % accountIds.length] ?? "a0",
    );
    const [source, target] = [accounts.ref(from ?? "a0"), accounts.ref(to ?? "a1")];
    const amount = Math.floor(Math.random() * 300);
    const fate = await fateOf(() =>
      states.transact([source, target], (tx) => {
        if ((tx.get(source)?.data.balance ?? 0) < amount) return;
        tx.update(source, (data) => ({ balance: data.balance - amount }));
        tx.update(target, (data) => ({ balance: data.balance + amount }));
      }),
    );
    say(`transfer ${fate}`);
    const seen = await accounts.getMany(accountIds).catch(() => undefined);
    if (seen === undefined) continue;
    const sum = [...seen.values()].reduce((all, { data }) => all + data.balance, 0);
    say(sum === openingBalance * accountIds.length ? "sum" : `BROKEN the accounts hold ${sum}`);
  }
}

async function underLock(): Promise<void> {
  while (!isStopping) {
    const fate = await fateOf(async () => {
      await using lock = await states.lock("pen", { ttlMs: 1_500, waitMs: 10_000 });
      for (let at = 0; at < 10 && !isStopping; at += 1) {
        await states.of(ledger).update(
          "pen",
          (data) => ({
            token: lock.token,
            writes: data.writes + 1,
            overtaken: data.overtaken + (lock.token < data.token ? 1 : 0),
          }),
          { lock },
        );
        say("locked");
      }
    });
    say(`lock ${fate}`);
  }
}

process.on("message", () => {
  isStopping = true;
});
process.on("disconnect", () => process.exit(1));
process.send?.("ready");
const writing = Array.from({ length: order.writers }, (_, at) => write(at));
await Promise.all([...writing, transfer(), underLock()]);
await kv.close();
await link.close();
process.removeAllListeners("disconnect");
process.disconnect();
