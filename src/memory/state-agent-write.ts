// Writes the status of an agent for the runtime, which keeps it: by the events of the model, whatever stands there.
//
//   G1. Nothing is written over a status of a later ownership, by compare-and-set: who has lost the agent is told `fenced`.
//   G2. Only events of the table lead on. Where none leads straight to what is wanted, the shortest way of several is gone.

import { invariant, TroupeError } from "../core/errors.ts";
import type { AgentActivity } from "./state-agent.ts";
import { agentStatus } from "./state-agent.ts";
import type { EventOf, StatusOf } from "./state-model.ts";
import { legalEvents } from "./state-model.ts";
import type { StateStore } from "./state-store.ts";
import type { Origin, StateOf } from "./state-value.ts";

type Table = typeof agentStatus.transitions;
type Event = EventOf<Table>;
type Standing = StateOf<typeof agentStatus>;
export type AgentStatus = StatusOf<Table>;

export interface WantedStatus {
  readonly status: AgentStatus;
  /** `epoch`: of the ownership under which it is written. */
  readonly data: AgentActivity & { readonly epoch: number };
}

/** Others may change the status meanwhile. */
const attemptsMax = 20;

class Fenced extends Error {}

/** `id`: as `agentStatusId` makes it. Rejects as changes of `States` do. */
export async function writeAgentStatus(
  store: StateStore,
  id: string,
  wanted: WantedStatus,
  origin: Origin,
): Promise<"written" | "unchanged" | "fenced"> {
  try {
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const outcome = await tryWrite(store, id, wanted, origin);
      if (outcome !== "on the way") return outcome;
    }
  } catch (thrown) {
    if (thrown instanceof Fenced) return "fenced";
    throw thrown;
  }
  throw new TroupeError("WRITE_CONTENDED", `the status of ${id} was changed by others ${attemptsMax} times meanwhile`);
}

/** One change, decided on what stands when it is written. */
async function tryWrite(
  store: StateStore,
  id: string,
  { status, data }: WantedStatus,
  origin: Origin,
): Promise<"written" | "unchanged" | "on the way"> {
  const agents = store.of(agentStatus);
  const standing = await agents.get(id);
  if (standing === undefined) {
    const created = await agents.create(id, status === agentStatus.initial ? data : { epoch: data.epoch }, origin);
    return created.kind === "created" && status === agentStatus.initial ? "written" : "on the way";
  }
  checkEpoch(standing.data, data.epoch);
  if (standing.status === status && isSame(standing.data, data)) return "unchanged";
  /** Over what was looked at, and nothing else. */
  const over = (next: AgentActivity) => (before: AgentActivity, now: Pick<Standing, "status">) => {
    checkEpoch(before, data.epoch);
    return now.status === standing.status ? next : before;
  };
  if (standing.status === status) {
    const updated = await agents.update(id, over(data), origin);
    return updated.kind === "changed" ? "written" : "on the way";
  }
  const { event, target } = toward(standing.status, status);
  const next = target === status ? data : { epoch: data.epoch };
  const moved = await agents.transition(id, event, { ...origin, edit: over(next) });
  const isThere = moved.kind === "changed" && moved.state.status === status && isSame(moved.state.data, data);
  return isThere ? "written" : "on the way";
}

/** G1. Throws Fenced. */
function checkEpoch({ epoch = 0 }: AgentActivity, own: number): void {
  if (epoch > own) throw new Fenced();
}

function isSame(one: AgentActivity, other: AgentActivity): boolean {
  return one.epoch === other.epoch && isSameActivity(one, other);
}

/** Whether two say the same of what an agent does. */
export function isSameActivity(one: AgentActivity, other: AgentActivity): boolean {
  const isSameFailure = one.failure?.code === other.failure?.code && one.failure?.message === other.failure?.message;
  return one.task === other.task && isSameFailure;
}

/** The first event of the shortest way (G2). */
export function toward(from: AgentStatus, to: AgentStatus): { readonly event: Event; readonly target: AgentStatus } {
  const table: Readonly<Record<string, Readonly<Record<string, AgentStatus>>>> = agentStatus.transitions;
  const begun = legalEvents<Event>(agentStatus, from).map((event) => {
    const target = table[from]?.[event];
    invariant(target, `${event} leads from ${from}`);
    return { first: { event, target }, at: target };
  });
  const seen = new Set<AgentStatus>([from]);
  for (const way of begun) {
    if (way.at === to) return way.first;
    if (seen.has(way.at)) continue;
    seen.add(way.at);
    for (const target of Object.values(table[way.at] ?? {})) begun.push({ first: way.first, at: target });
  }
  throw new TroupeError("STATE_INVALID", `no event leads an agent from ${from} to ${to}`);
}
