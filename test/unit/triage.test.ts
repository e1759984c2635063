// The incident triage: which tasks run, by what an incident is; and that each does what it does once, wherever its worker dies.

import { expect, test } from "vitest";
import {
  Customer,
  Intake,
  Notes,
  Service,
  Specialist,
  Supervisor,
  triage,
} from "../../examples/incident-triage/triage.ts";
import { silentLogger } from "../../src/core/log.ts";
import type { Troupe } from "../../src/runtime/client.ts";
import { connect } from "../../src/runtime/client.ts";
import type { FaultPlan, MemoryOperation } from "../../src/runtime/memory-faults.ts";
import { randomFaults } from "../../src/runtime/memory-faults.ts";
import { memoryPorts } from "../../src/runtime/memory-ports.ts";
import { MemoryWorld } from "../../src/runtime/memory-world.ts";
import { createSimulatedClock, seededRandom } from "../../src/runtime/simulated-clock.ts";
import { createWorker } from "../../src/runtime/worker.ts";
import { workflowProgress, workflowProgressId } from "../../src/workflow/progress.ts";
import { isOver } from "../../src/workflow/run.ts";

interface Case {
  readonly report: string;
  /** The customer has written to the support desk, and the thread is open. */
  readonly isWaiting?: boolean;
  /** The remedy that helps. */
  readonly cure: "restart" | "scale-out" | "rollback";
  /** What a person decides; undefined: nobody does. */
  readonly decision?: object;
}

const actors = [...triage.actors, Customer, Intake, Notes, Service, Specialist, Supervisor];
const written = {
  ...{ at: "2026-03-02T08:04:00Z", customer: "acme", name: "Ada", thread: "T-1", channel: "chat" as const },
  text: "Where is my parcel?",
};

/** A world on simulated time, in which the triage of one incident runs from its report to its end. */
class Incident {
  readonly clock = createSimulatedClock({ seed: 1 });
  readonly world: MemoryWorld;
  readonly #case: Case;
  readonly #workers: (() => Promise<void>)[] = [];

  constructor(incident: Case, faults: FaultPlan = () => undefined) {
    this.#case = incident;
    this.world = new MemoryWorld({ clock: this.clock, faults });
  }

  ports(name: string) {
    return memoryPorts({ world: this.world, name });
  }

  async worker(name: string): Promise<void> {
    const worker = await this.clock.runFor(
      createWorker({ actors, partitions: 2, logger: silentLogger, ports: this.ports(name) }),
    );
    this.#workers.push(() => this.clock.runFor(worker.close()));
  }

  /** What the central state store shows of the run. */
  async #progress(client: Troupe) {
    const states = await this.clock.runFor(client.states());
    const seen = await this.clock.runFor(states.of(workflowProgress).get(workflowProgressId("triage", "i-1")));
    return { status: seen?.status, number: seen?.data.number, result: seen?.data.result };
  }

  /** What was done, in the order in which it was done to each. `nextWorker` is called when the one before is dead. */
  async toEnd(isDead: () => boolean = () => false) {
    const { clock } = this;
    await this.worker("w0");
    const client = await clock.runFor(connect({ ports: this.ports("client"), partitions: 2 }));
    const { report, isWaiting, cure, decision } = this.#case;
    const patient = { timeoutMs: 60_000 };
    await clock.runFor(client.actor(Service, "shop").ask.ailFrom(cure, patient));
    if (isWaiting === true) {
      const letter = { run: "before", number: 1, message: written };
      await clock.runFor(client.actor(Customer, "acme").ask.message(letter, patient));
    }
    // What is known before the incident is there, and told to whom it concerns, before the worker that things happen to.
    await clock.advance(5_000);
    await this.#workers[0]?.();
    await this.worker("w1");
    const run = client.actor(triage.run, "i-1");
    await clock.runFor(run.tell.start({ service: "shop", customer: "acme", report }, patient));
    let hasDecided = decision === undefined;
    let hasSecond = false;
    for (let turns = 0; turns < 200; turns += 1) {
      if (isDead() && !hasSecond) {
        hasSecond = true;
        await this.worker("w2");
      }
      await clock.advance(hasDecided && turns > 60 ? 60_000 : 500);
      const state = (await clock.runFor(run.get()))?.state;
      if (state === undefined) continue;
      if (isOver(state.phase)) break;
      const waits = Object.values(state.marks).some(({ is }) => is === "waiting");
      if (waits && !hasDecided) {
        hasDecided = true;
        await clock.runFor(run.tell.signal({ name: "decision", data: decision }, patient));
      }
    }
    // What the last task told others may still be on its way, also when its worker died with it.
    if (isDead() && !hasSecond) await this.worker("w2");
    await clock.advance(30_000);
    const linesOf = async (id: string) => (await clock.runFor(client.actor(Notes, id).get()))?.state.lines ?? [];
    const last = (await clock.runFor(run.get()))?.state;
    const found = {
      phase: last?.phase,
      outcome: last?.result,
      ran: Object.entries(last?.marks ?? {}).flatMap(([path, mark]) => {
        const isTask = triage.plan.tree.spots.get(path)?.node.kind === "task";
        return isTask ? [mark.is === "done" ? path : `${path} ${mark.is}`] : [];
      }),
      progress: await this.#progress(client),
      changes: last?.changes,
      shop: (await clock.runFor(client.actor(Service, "shop").get()))?.state.history,
      oncall: await linesOf("oncall"),
      acme: await linesOf("acme"),
      backlog: await linesOf("backlog"),
      manager: await linesOf("manager"),
    };
    await clock.runFor(client.close());
    for (const close of this.#workers) await close();
    return found;
  }
}

const found = ["find-out/assess/model", "find-out/customer/threads"];
const paged = [...found, "severity/otherwise/page"];
const mailed = [...paged, "severity/otherwise/customer/tell/mail"];
const automatic = "severity/otherwise/automatic";
const tried = [`${automatic}/try/mend`, `${automatic}/try/look`];
const takenBack = [`${automatic}/try/mend compensated`, `${automatic}/try/look failed`];

const table: readonly (Case & { readonly ran: readonly string[]; readonly outcome: string })[] = [
  { report: "a typo on the page", cure: "restart", ran: [...found, "severity/low/file"], outcome: "ticket" },
  { report: "errors in the cart", cure: "restart", ran: [...paged, ...tried], outcome: "mended" },
  { report: "errors in the cart", isWaiting: true, cure: "restart", ran: [...mailed, ...tried], outcome: "mended" },
  { report: "the shop is down", cure: "restart", ran: [...mailed, ...tried], outcome: "mended" },
  { report: "errors since the release", cure: "rollback", ran: [...paged, ...tried], outcome: "mended" },
  {
    report: "the shop is slow",
    cure: "restart",
    decision: { by: "ada", remedy: "restart" },
    ran: [...paged, ...takenBack, `${automatic}/NOT_WELL/decided/mend/mend`],
    outcome: "mended by a person",
  },
  {
    report: "the shop is slow",
    isWaiting: true,
    cure: "rollback",
    decision: { by: "ada" },
    ran: [...mailed, ...takenBack, `${automatic}/NOT_WELL/decided/otherwise/escalate`],
    outcome: "escalated",
  },
  {
    report: "the shop is slow",
    cure: "rollback",
    ran: [...paged, ...takenBack, `${automatic}/NOT_WELL/decided/otherwise/escalate`],
    outcome: "escalated",
  },
];

for (const { ran, outcome, ...incident } of table) {
  const { report, isWaiting = false, cure, decision } = incident;
  const said = decision === undefined ? "nobody decides" : JSON.stringify(decision);
  test(`"${report}", ${isWaiting ? "a waiting" : "another"} customer, helped by ${cure}, ${said}: ${outcome}`, async () => {
    const end = await new Incident(incident).toEnd();
    expect(end.phase).toBe("completed");
    expect(end.outcome).toBe(outcome);
    expect([...end.ran].sort()).toEqual([...ran].sort());
  });
}

/** The longest way: a wrong action is taken back, a person decides, another action helps. */
const long: Case = {
  report: "the shop is slow",
  isWaiting: true,
  cure: "restart",
  decision: { by: "ada", remedy: "restart" },
};
const once = {
  phase: "completed",
  outcome: "mended by a person",
  shop: ["apply scale-out", "revert scale-out", "apply restart"],
  oncall: ["i-1: the shop is slow"],
  acme: ["we look into shop"],
  backlog: [],
  manager: [],
};
/** G1, Y1: what watchers see at the end is what the run is. */
const progressOf = ({ phase, changes, outcome }: { phase?: unknown; changes?: unknown; outcome?: unknown }) => ({
  ...{ status: phase, number: changes, result: outcome },
});
const isPoint = ({ kind, client }: MemoryOperation): boolean =>
  client === "w1" && (kind === "kv-write" || kind === "append" || kind === "schedule" || kind === "cancel");
/** Not of those by which workers share their work. */
const isOfARun = ({ subject }: MemoryOperation): boolean => !subject.includes("_cluster");

test("every commit point of the triage: a worker that dies there, before or after the server has it, leaves nothing undone or done twice", async () => {
  const points: MemoryOperation[] = [];
  const quiet = await new Incident(long, (operation) => {
    if (isPoint(operation) && isOfARun(operation)) points.push(operation);
    return undefined;
  }).toEnd();
  expect(quiet).toMatchObject(once);
  expect(points.length).toBeGreaterThan(30);
  for (let at = 0; at < points.length; at += 1) {
    for (const lose of ["request", "answer"] as const) {
      let seen = -1;
      let isDead = false;
      const incident = new Incident(long, (operation) => {
        if (operation.client !== "w1") return undefined;
        if (isDead) return { lose: "request" };
        if (!isPoint(operation) || !isOfARun(operation)) return undefined;
        seen += 1;
        if (seen < at) return undefined;
        isDead = true;
        return { lose, cutForMs: 10_000_000 };
      });
      const end = await incident.toEnd(() => isDead);
      const where = `killed at ${at} (${points[at]?.kind} ${points[at]?.subject}), ${lose} lost`;
      expect(end, where).toMatchObject(once);
      expect(end.progress, where).toEqual(progressOf(end));
    }
  }
}, 120_000);

test("on a bad network, with workers that lose, delay and break what they say, each thing is done once", async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const faults = randomFaults(seededRandom(seed), { loseRequest: 0.03, loseAnswer: 0.03, delay: 0.2, cut: 0.005 });
    const incident = new Incident(long, (operation) =>
      operation.client === "w1" && isOfARun(operation) ? faults(operation) : undefined,
    );
    const end = await incident.toEnd();
    expect(end, `seed ${seed}`).toMatchObject(once);
    expect(end.progress, `seed ${seed}`).toEqual(progressOf(end));
  }
});
