// What must compile and what must not of states and their models: checked by `npm run types`.
import { z } from "zod";
import { defineState } from "../../src/memory/state-model.ts";
import type { StateStore } from "../../src/memory/state-store.ts";
import type { StateOf } from "../../src/memory/state-value.ts";

const Ticket = defineState("ticket", {
  schema: z.object({ title: z.string(), priority: z.number().default(3) }),
  initial: "open",
  transitions: { open: { assign: "assigned" }, assigned: { close: "closed", hand_back: "open" }, closed: {} },
});
const Account = defineState("account", { schema: z.object({ balance: z.number() }) });
export const status: StateOf<typeof Ticket>["status"] = "assigned";
// @ts-expect-error There is no such status.
export const wrongStatus: StateOf<typeof Ticket>["status"] = "lost";

declare const store: StateStore;
const tickets = store.of(Ticket);
await tickets.create("t1", { title: "no tea", priority: 1 });
// @ts-expect-error The data are of the schema's type.
await tickets.create("t1", { title: 1, priority: 1 });
const moved = await tickets.transition("t1", "assign", {
  edit: (data) => {
    data.priority = 1;
  },
});
if (moved.kind === "illegal") {
  const legal: readonly ("assign" | "close" | "hand_back")[] = moved.legal;
  console.log(legal);
}
// @ts-expect-error There is no such event.
await tickets.transition("t1", "open");
await tickets.update("t1", (data) => ({ ...data, title: data.title.toUpperCase() }));
// @ts-expect-error What an edit returns is the data.
await tickets.update("t1", () => ({ title: 1 }));
await tickets.patch("t1", { priority: 2 });
// @ts-expect-error A member that the data lack.
await tickets.patch("t1", { weight: 2 });
const page = await tickets.query({
  status: ["open", "assigned"],
  where: ({ data }) => data.priority < 3,
  orderBy: { by: ({ data }) => data.priority },
});
export const titles: string[] = page.states.map(({ data }) => data.title);
// @ts-expect-error There is no such status.
await tickets.query({ status: "lost" });

const accounts = store.of(Account);
const [from, to] = [accounts.ref("a"), accounts.ref("b")];
const outcome = await store.transact([from, to, tickets.ref("t1")], (tx) => {
  tx.update(from, (account) => {
    account.balance -= 1;
  });
  tx.transition(tickets.ref("t1"), "assign");
  // @ts-expect-error There is no such event.
  tx.transition(tickets.ref("t1"), "open");
  return tx.get(to)?.data.balance;
});
export const balance: number | undefined = outcome.kind === "committed" ? outcome.value : undefined;
// @ts-expect-error A model without transitions knows no events.
await accounts.transition("a", "close");

defineState("broken", {
  schema: z.object({}),
  // @ts-expect-error The initial status is one of the table's.
  initial: "lost",
  transitions: { open: {} },
});
defineState("broken", {
  schema: z.object({}),
  initial: "open",
  // @ts-expect-error An event leads to a status of the table.
  transitions: { open: { close: "closed" } },
});
