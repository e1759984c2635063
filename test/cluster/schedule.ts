// Which faults befall a run and when, decided by its seed before it begins.

import type { Dice } from "../sim/dice.ts";

export type VictimKind = "worker" | "newcomer" | "client" | "server" | "leader";

interface FaultForm {
  readonly victim: VictimKind;
  /** How long it lasts, from and to. Unit: ms. Absent: it is done in a moment. */
  readonly forMs?: readonly [number, number];
  readonly what: string;
}

/** Every fault that is known. Beyond the lease of 3 s means that another worker takes over meanwhile. */
export const faultForms = {
  "kill-worker": { victim: "worker", what: "SIGKILL; another process is started a moment later" },
  "drain-worker": { victim: "worker", what: "SIGTERM; another process is started a moment later" },
  "add-worker": { victim: "newcomer", what: "one more worker" },
  "freeze-worker": { victim: "worker", forMs: [3_500, 8_000], what: "SIGSTOP beyond its lease, then SIGCONT" },
  "pause-worker": { victim: "worker", forMs: [200, 2_800], what: "SIGSTOP within its lease, then SIGCONT" },
  "cut-worker": { victim: "worker", what: "its connections break; new ones stand" },
  "bar-worker": { victim: "worker", forMs: [500, 8_000], what: "its connections break, and each new one" },
  "isolate-worker": { victim: "worker", forMs: [500, 9_000], what: "bytes wait both ways, and arrive late" },
  "mute-worker": { victim: "worker", forMs: [500, 9_000], what: "what it says waits, and arrives late" },
  "deafen-worker": { victim: "worker", forMs: [500, 9_000], what: "what it is told waits, and arrives late" },
  "blackhole-worker": { victim: "worker", forMs: [500, 6_000], what: "bytes vanish one way or both, then it is cut" },
  "cut-client": { victim: "client", what: "a client's connections break" },
  "isolate-client": { victim: "client", forMs: [500, 6_000], what: "a client's bytes wait both ways" },
  "blackhole-client": { victim: "client", forMs: [500, 4_000], what: "a client's bytes vanish, then it is cut" },
  "kill-server": { victim: "server", forMs: [300, 4_000], what: "SIGKILL, then the same store again" },
  "restart-server": { victim: "server", forMs: [10, 1_000], what: "SIGTERM, then the same store again" },
  "retire-server": { victim: "leader", forMs: [10, 1_000], what: "lame duck mode as in an upgrade, then again" },
  "freeze-server": { victim: "server", forMs: [300, 5_000], what: "SIGSTOP, then SIGCONT" },
  "kill-leader": { victim: "leader", forMs: [300, 6_000], what: "SIGKILL of the server that leads a stream" },
} as const satisfies Record<string, FaultForm>;

export type FaultKind = keyof typeof faultForms;

/** The faults of one sort of victim. */
export type FaultOf<Victim extends VictimKind> = {
  [Kind in FaultKind]: (typeof faultForms)[Kind]["victim"] extends Victim ? Kind : never;
}[FaultKind];

/** Whether it befalls that sort of victim. */
export function befalls<Victim extends VictimKind>(kind: FaultKind, victim: Victim): kind is FaultOf<Victim> {
  return faultForms[kind].victim === victim;
}

export const faultKinds = Object.keys(faultForms) as readonly FaultKind[];

/** Leaders are there to be lost, and work to be given to others, only where there are several servers. */
export const kindsFor = (servers: 1 | 3): readonly FaultKind[] =>
  faultKinds.filter((kind) => servers === 3 || faultForms[kind].victim !== "leader");

export interface PlannedFault {
  readonly atMs: number;
  readonly kind: FaultKind;
  /** Chooses among those that can be the victim then: in [0, 1). */
  readonly pick: number;
  /** Chooses among the forms of the fault: in [0, 1). */
  readonly form: number;
  readonly forMs: number;
}

export interface ScheduleOptions {
  readonly kinds: readonly FaultKind[];
  readonly lengthMs: number;
  /** Mean time between the beginnings of two faults. Unit: ms. */
  readonly everyMs: number;
}

/** Kinds come as from a shuffled pack of cards, so that each has its turn. */
export function drawSchedule(dice: Dice, { kinds, lengthMs, everyMs }: ScheduleOptions): readonly PlannedFault[] {
  const planned: PlannedFault[] = [];
  let pack: FaultKind[] = [];
  if (kinds.length === 0) return planned;
  for (let atMs = everyMs / 2; atMs < lengthMs; atMs += dice.whole(everyMs * 0.4, everyMs * 1.6)) {
    if (pack.length === 0) pack = shuffled(dice, kinds);
    const kind = pack.pop();
    if (kind === undefined) continue;
    const form: FaultForm = faultForms[kind];
    const [least, most] = form.forMs ?? [1, 1];
    // Short ones are as likely as long ones are: what happens within a lease differs from what happens beyond it.
    const forMs = Math.round(least * (most / least) ** dice.random());
    planned.push({ atMs, kind, pick: dice.random(), form: dice.random(), forMs });
  }
  return planned;
}

function shuffled<Value>(dice: Dice, values: readonly Value[]): Value[] {
  const left = [...values];
  return values.flatMap(() => left.splice(dice.whole(0, left.length - 1), 1));
}
