// The checks of the workloads, on what a broken runtime would leave behind: each law notices what breaks it.

import { describe, expect, test } from "vitest";
import { TroupeError } from "../../src/index.ts";
import { balanceAtFirst } from "../cluster/actors.ts";
import { Caller } from "../cluster/caller.ts";
import { Registers } from "../cluster/workloads/registers.ts";
import { Tokens } from "../cluster/workloads/tokens.ts";
import { Transfers } from "../cluster/workloads/transfers.ts";
import { Dice } from "../sim/dice.ts";

/** What was done, as `type.id method` and the argument. */
type Deed = readonly [string, Record<string, unknown> & string];

/** A caller whose deeds are written down and end as `answer` says. */
function callerWith(answer: (method: string, input: unknown) => unknown) {
  const deeds: Deed[] = [];
  const methods = (key: string) =>
    new Proxy(
      {},
      {
        get: (_target, method: string) => async (input: Deed[1]) => {
          deeds.push([`${key} ${method}`, input]);
          return answer(method, input);
        },
      },
    );
  const actor = ({ type }: { readonly type: string }, id: string) => {
    const table = methods(`${type}.${id}`);
    return { ask: table, tell: table };
  };
  return { caller: new Caller("c0", { actor } as never, undefined as never), deeds };
}

const refusal = () => {
  throw new TroupeError("TELL_REFUSED", "no");
};

describe("tokens", () => {
  const play = async (answer: () => unknown = () => undefined) => {
    const tokens = new Tokens();
    const { caller, deeds } = callerWith(answer);
    const dice = new Dice(3);
    for (let at = 0; at < 60; at += 1) await tokens.act(caller, dice);
    const lists = new Map<string, string[]>();
    const push = (key: string, name: string) => lists.set(key, [...(lists.get(key) ?? []), name]);
    for (const [what, input] of deeds) {
      const [key = "", method] = what.split(" ");
      if (method === "put") push(key, input);
      else {
        push(key, `${input.token}>${input.to}`);
        push(`bag.${input.to}`, `${input.token}<${key.slice("relay.".length)}`);
      }
    }
    const brokenWith = (change: (lists: Map<string, string[]>) => void) => {
      const changed = structuredClone(lists);
      change(changed);
      const stored = [...changed].map(([key, names]) => [
        key,
        key.startsWith("bag") ? { tokens: names } : { passed: names },
      ]);
      return tokens.check(new Map(stored as [string, unknown][])).broken;
    };
    const longest = [...lists.keys()]
      .filter((key) => key.startsWith("bag."))
      .sort((a, b) => directIn(lists.get(b)) - directIn(lists.get(a)))[0] as string;
    return { tokens, brokenWith, longest };
  };
  const directIn = (names: readonly string[] = []) => names.filter((name) => !name.includes("<")).length;

  test("what is as it should be breaks nothing", async () => {
    const { brokenWith } = await play();
    expect(brokenWith(() => {})).toEqual([]);
  });

  test("T1: lost, repeated, refused and yet there, and out of nowhere", async () => {
    const { brokenWith, longest } = await play();
    expect(brokenWith((lists) => lists.get(longest)?.shift())).toEqual([expect.stringMatching(/^T[12]: .* 0 times/)]);
    const twice = brokenWith((lists) => lists.get(longest)?.push(lists.get(longest)?.[0] as string));
    expect(twice).toContainEqual(expect.stringMatching(/^T[12]: .* 2 times/));
    expect(brokenWith((lists) => lists.get(longest)?.push("c9-9"))).toEqual([
      expect.stringMatching(/^T1: nobody sent/),
    ]);
    const refused = await play(refusal);
    expect(refused.brokenWith(() => {}).every((each) => /^T1: .*refused.* 1 times, 0 are due/.test(each))).toBe(true);
    expect(refused.brokenWith((lists) => lists.clear())).toEqual([]);
  });

  test("T3: what one caller told one bag in another order", async () => {
    const { brokenWith, longest } = await play();
    const broken = brokenWith((lists) => lists.get(longest)?.reverse());
    expect(broken).toContainEqual(expect.stringMatching(/^T3: .*not in order/));
  });
});

describe("transfers", () => {
  const play = async () => {
    const transfers = new Transfers();
    const { caller, deeds } = callerWith((method) => (method === "transfer" ? "moved" : undefined));
    const dice = new Dice(5);
    for (let at = 0; at < 40; at += 1) await transfers.act(caller, dice);
    const accounts = new Map<string, { balance: number; debits: string[]; credits: string[] }>();
    const accountOf = (key: string) => {
      const account = accounts.get(key) ?? { balance: balanceAtFirst, debits: [], credits: [] };
      accounts.set(key, account);
      return account;
    };
    for (let at = 0; at < 64; at += 1) accountOf(`account.a${at}`);
    for (const [what, { id, to, amount }] of deeds) {
      const [from = ""] = what.split(" ");
      accountOf(from).balance -= amount as number;
      accountOf(from).debits.push(id as string);
      accountOf(`account.${to}`).balance += amount as number;
      accountOf(`account.${to}`).credits.push(id as string);
    }
    const readBack = callerWith(() => undefined);
    return { transfers, accounts, readBack };
  };

  test("M1, M2: a credit that is missing, one that is there twice, and an owner that answers otherwise", async () => {
    const { transfers, accounts } = await play();
    const answers = new Map([...accounts].map(([key, { balance }]) => [key, balance]));
    const keys = [...accounts.keys()];
    let asked = 0;
    const reader = callerWith(() => answers.get(keys[asked++] ?? ""));
    await transfers.readBack(reader.caller);
    expect(transfers.check(accounts).broken).toEqual([]);
    const [key, account] = [...accounts].find(([, { credits }]) => credits.length > 0) as [
      string,
      { credits: string[] },
    ];
    const [credit] = account.credits as [string];
    const without = new Map(accounts).set(key, { ...accounts.get(key), credits: account.credits.slice(1) } as never);
    expect(transfers.check(without).broken).toEqual([
      expect.stringMatching(`^M1: the credit of ${credit} .* 0 times`),
      expect.stringMatching(/^M2: .* holds/),
    ]);
    const twice = new Map(accounts).set(key, { ...accounts.get(key), credits: [...account.credits, credit] } as never);
    expect(transfers.check(twice).broken[0]).toMatch(/^M1: .* 2 times, 1 are due/);
    const other = new Map(accounts).set(key, { ...accounts.get(key), balance: 1 } as never);
    expect(transfers.check(other).broken).toContainEqual(expect.stringMatching(/^M2: the owner of/));
  });

  test("M3: money that is there before it was taken is noticed, unless a commit before it was missed", async () => {
    const early = new Transfers();
    early.saw("account.a1", { balance: balanceAtFirst + 5, debits: [], credits: ["x"] }, false);
    expect(early.check(new Map()).broken).toContainEqual(expect.stringMatching(/^M3: the accounts hold 64005/));
    const missed = new Transfers();
    missed.saw("account.a1", { balance: balanceAtFirst + 5, debits: [], credits: ["x"] }, true);
    expect(missed.check(new Map()).broken.filter((each) => each.startsWith("M3"))).toEqual([]);
  });
});

test("G1: a register that forgets what was written is refused", async () => {
  const registers = new Registers();
  let value = "";
  const { caller } = callerWith((method, input) => {
    if (method === "write") value = input as string;
    return method === "write" ? undefined : value;
  });
  for (let at = 0; at < 8; at += 1) await registers.readBack(caller);
  expect(registers.check(new Map()).broken).toEqual([]);
  value = "nobody wrote this";
  await registers.readBack(caller);
  expect(registers.check(new Map()).broken).toContainEqual(expect.stringMatching(/^G1: g0: no order explains/));
});
