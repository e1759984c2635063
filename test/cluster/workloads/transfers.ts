// Money moved between accounts by ask: the account that pays tells the other its credit.
//
//   M1. A transfer that was answered with "moved" was debited once and credited once; one in doubt at most once each, and
//       credited as often as debited; one refused never (P2, P3, P4). With an idempotency key it is repeated while in doubt.
//   M2. At the end the accounts hold together what they had at first, and each what its debits and credits say.
//   M3. At no moment do they hold more: a credit is never sent before its debit is committed (P3).

import type { Dice } from "../../sim/dice.ts";
import { Account, balanceAtFirst } from "../actors.ts";
import type { Caller, Fate } from "../caller.ts";
import { effectsOf } from "../caller.ts";
import type { Stored, Workload } from "./workload.ts";
import { Count, countsOf } from "./workload.ts";

const accounts = 64;
/** Times that a transfer with a key is asked for while it is in doubt. */
const triesMax = 4;

interface Transfer {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly amount: number;
  fate: Fate | undefined;
}

interface AccountState {
  readonly balance: number;
  readonly debits: readonly string[];
  readonly credits: readonly string[];
}

const nothing: AccountState = { balance: balanceAtFirst, debits: [], credits: [] };
const keys = Array.from({ length: accounts }, (_, at) => `account.a${at}`);

export class Transfers implements Workload {
  readonly name = "transfers";
  readonly lanesPerCaller = 3;
  readonly everyMs = 90;
  readonly #transfers: Transfer[] = [];
  readonly #seen = new Map<string, { readonly debits: ReadonlySet<string>; readonly credits: ReadonlySet<string> }>();
  readonly #balances = new Map(keys.map((key) => [key, balanceAtFirst]));
  readonly #surpluses: string[] = [];
  readonly #answered = new Map<string, number>();
  /** Accounts of which a debit may have been missed: the sum says nothing until each of them was seen again. */
  #unsure = new Set<string>();

  async act(caller: Caller, dice: Dice): Promise<void> {
    const from = dice.whole(0, accounts - 1);
    const to = (from + dice.whole(1, accounts - 1)) % accounts;
    const transfer: Transfer = {
      ...{ id: caller.nextId(), from: `a${from}`, to: `a${to}`, amount: dice.whole(1, 20) },
      fate: undefined,
    };
    this.#transfers.push(transfer);
    const hasKey = dice.happens(0.5);
    let isInDoubt = false;
    for (let tries = hasKey ? triesMax : 1; tries > 0; tries -= 1) {
      transfer.fate = await move(caller, transfer, hasKey);
      isInDoubt ||= transfer.fate === "unknown";
      if (transfer.fate === "acknowledged" || (transfer.fate === "refused" && !isInDoubt)) return;
    }
    if (isInDoubt) transfer.fate = "unknown";
  }

  saw(key: string, state: unknown, isGap: boolean): void {
    if (isGap) this.#unsure = new Set(keys);
    if (!key.startsWith("account.")) return;
    const { balance, debits, credits } = state as AccountState;
    this.#seen.set(key, { debits: new Set(debits), credits: new Set(credits) });
    this.#balances.set(key, balance);
    this.#unsure.delete(key);
    const total = sumOf(this.#balances.values());
    const isSurplus = total > accounts * balanceAtFirst && this.#unsure.size === 0;
    if (isSurplus) this.#surpluses.push(`M3: the accounts hold ${total} after a commit of ${key}`);
  }

  get acknowledged(): number {
    return this.#transfers.filter(({ fate }) => fate === "acknowledged").length;
  }

  missing(): readonly string[] {
    return this.#transfers.flatMap(({ id, from, to, fate }) => {
      if (fate === undefined) return `${id} is under way`;
      const isDebited = this.#seen.get(`account.${from}`)?.debits.has(id) === true;
      const isCredited = this.#seen.get(`account.${to}`)?.credits.has(id) === true;
      return isDebited === isCredited ? [] : `${id} is debited and not credited`;
    });
  }

  async readBack({ troupe }: Caller): Promise<void> {
    const asked = keys.map(async (key) => {
      this.#answered.set(key, await troupe.actor(Account, key.slice("account.".length)).ask.balance());
    });
    await Promise.all(asked);
  }

  check(stored: Stored) {
    const count = new Count();
    const broken: (string | undefined)[] = this.#surpluses.slice(0, 3);
    const states = new Map(keys.map((key) => [key, (stored.get(key) ?? nothing) as AccountState]));
    const debits = new Map([...states].map(([key, state]) => [key, countsOf(state.debits)]));
    const credits = new Map([...states].map(([key, state]) => [key, countsOf(state.credits)]));
    const amounts = new Map(this.#transfers.map(({ id, amount }) => [id, amount]));
    for (const { id, from, to, fate = "unknown" } of this.#transfers) {
      const debited = debits.get(`account.${from}`)?.get(id) ?? 0;
      const credited = credits.get(`account.${to}`)?.get(id) ?? 0;
      count.add(fate);
      broken.push(
        count.compare(`M1: the debit of ${id} (${fate}) from ${from}`, debited, effectsOf[fate]),
        count.compare(`M1: the credit of ${id} to ${to}`, credited, [debited, debited]),
      );
    }
    for (const [key, state] of states) {
      const due = balanceAtFirst + sumOf(state.credits, amounts) - sumOf(state.debits, amounts);
      if (state.balance !== due) broken.push(`M2: ${key} holds ${state.balance}, its debits and credits make ${due}`);
      const answered = this.#answered.get(key);
      if (answered !== state.balance)
        broken.push(`M2: the owner of ${key} answers ${answered}, stored is ${state.balance}`);
    }
    const total = sumOf([...states.values()].map(({ balance }) => balance));
    if (total !== accounts * balanceAtFirst) broken.push(`M2: the accounts hold ${total} in all`);
    return { counts: count.counts, broken: broken.filter((each) => each !== undefined) };
  }
}

/** Asks once. "short" is an answer without an effect. */
async function move(caller: Caller, transfer: Transfer, hasKey: boolean): Promise<Fate> {
  const { id, from, to, amount } = transfer;
  const options = { timeoutMs: 4_000, ...(hasKey ? { idempotencyKey: id } : {}) };
  try {
    const answer = await caller.troupe.actor(Account, from).ask.transfer({ id, to, amount }, options);
    return answer === "moved" ? "acknowledged" : "refused";
  } catch (thrown) {
    return caller.fateOf(thrown);
  }
}

function sumOf(numbers: Iterable<number>): number;
function sumOf(ids: Iterable<string>, amounts: ReadonlyMap<string, number>): number;
function sumOf(each: Iterable<number | string>, amounts?: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const one of each) sum += typeof one === "number" ? one : (amounts?.get(one) ?? 0);
  return sum;
}
