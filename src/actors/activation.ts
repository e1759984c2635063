// The life of one activation: one value, one pure function, no I/O. It knows how many, never what: the shell around it
// (runtime/cell.ts) holds the messages, the drafts and the replies, and performs the effects in the order given.
//
//   A1. At most one turn runs at a time.
//   A2. After `gone` no effect is issued: another owner may already be acting.
//   A3. At most one commit is in flight; turns that end meanwhile form the next one (group commit).
//   A4. What a turn answers and sends leaves only with the acknowledgement of the commit that it is part of. A turn that
//       changed nothing leaves with the commit before it, since it has seen that state.
//   A5. A batch is bounded: beyond `batchTurnsMax` turns or `batchBytesMax` bytes no turn starts before it is committed.
//   A6. When a commit does not stand, every turn that built on it is undone, and runs again after what undid it.

/** Most turns in one commit. */
export const batchTurnsMax = 256;
/** Most bytes of input that one commit takes in. */
export const batchBytesMax = 262_144;

export type GoneReason = "passivated" | "fenced" | "ownership-lost" | "closed" | "unreadable" | "stopped";

interface Live {
  readonly phase: "live";
  /** Messages that wait for a turn. */
  readonly queued: number;
  readonly isRunning: boolean;
  /** Turns that have ended and are in no commit yet, their bytes, and whether any of them changed something. */
  readonly open: number;
  readonly openBytes: number;
  readonly isDirty: boolean;
  /** Turns in the commit that is under way; 0 when none is. */
  readonly inFlight: number;
  /** No turn starts: something waits for its time (a retry, an outbox that is full). */
  readonly isHeld: boolean;
}

export type Activation =
  | { readonly phase: "loading"; readonly queued: number }
  | Live
  /** A turn still runs on a draft that is void: wait for its end, then load or go on (A1, A6). */
  | {
      readonly phase: "unwinding";
      readonly queued: number;
      readonly then: "load" | "go-on";
      /** As when live: what holds it may end before the turn does. */
      readonly isHeld: boolean;
    }
  | { readonly phase: "gone"; readonly why: GoneReason };

export type ActivationInput =
  | { readonly kind: "mail" }
  /** A message that waited is gone: its asker has withdrawn it. */
  | { readonly kind: "withdrawn" }
  | { readonly kind: "loaded" }
  | { readonly kind: "turn-ended"; readonly bytes: number; readonly isDirty: boolean }
  /** The running turn has something to keep before it goes on: a step's result, or a turn within it. */
  | { readonly kind: "recorded"; readonly isDirty: boolean }
  | { readonly kind: "committed" }
  /** The commit was refused; `requeued` messages (a running turn's not among them) wait again. */
  | { readonly kind: "refused"; readonly requeued: number }
  /** Another write stands at the key; `requeued` as above. */
  | { readonly kind: "superseded"; readonly requeued: number }
  /** The turn that ran has failed and its message goes back to the front, to be tried after a while. */
  | { readonly kind: "turn-postponed" }
  | { readonly kind: "held" }
  | { readonly kind: "resumed" }
  | { readonly kind: "idle" }
  | { readonly kind: "end"; readonly why: GoneReason };

export type ActivationEffect =
  | "load"
  /** Take the first message and run it. */
  | "run-turn"
  /** Write the open batch. */
  | "commit"
  /** Let go what the open batch answers: it changed nothing and nothing is under way. */
  | "release"
  /** Put the message of the turn that has just ended back to the front: it ran on a void draft. */
  | "requeue-turn"
  /** Forget everything; whoever waits gets an error. */
  | "drop";

export interface ActivationStep {
  readonly next: Activation;
  readonly effects: readonly ActivationEffect[];
}

export const newActivation: Activation = { phase: "loading", queued: 0 };
const none: readonly ActivationEffect[] = [];

export function step(now: Activation, input: ActivationInput): ActivationStep {
  if (now.phase === "gone") return { next: now, effects: none }; // A2
  if (input.kind === "end") return { next: { phase: "gone", why: input.why }, effects: ["drop"] };
  switch (now.phase) {
    case "loading":
      if (input.kind === "mail") return { next: { phase: "loading", queued: now.queued + 1 }, effects: none };
      if (input.kind === "withdrawn") return { next: { phase: "loading", queued: now.queued - 1 }, effects: none };
      if (input.kind === "loaded") return settle(liveWith(now.queued, false), none);
      return { next: now, effects: none };
    case "unwinding":
      return stepUnwinding(now, input);
    case "live":
      return stepLive(now, input);
  }
}

function stepUnwinding(now: Activation & { phase: "unwinding" }, input: ActivationInput): ActivationStep {
  if (input.kind === "mail") return { next: { ...now, queued: now.queued + 1 }, effects: none };
  if (input.kind === "withdrawn") return { next: { ...now, queued: now.queued - 1 }, effects: none };
  if (input.kind === "held" || input.kind === "resumed") {
    return { next: { ...now, isHeld: input.kind === "held" }, effects: none };
  }
  if (input.kind !== "turn-ended" && input.kind !== "turn-postponed") return { next: now, effects: none };
  const queued = now.queued + 1;
  if (now.then === "load") return { next: { phase: "loading", queued }, effects: ["requeue-turn", "load"] };
  return settle(liveWith(queued, now.isHeld), ["requeue-turn"]);
}

function stepLive(now: Live, input: ActivationInput): ActivationStep {
  switch (input.kind) {
    case "mail":
      return settle({ ...now, queued: now.queued + 1 }, none);
    case "withdrawn":
      return { next: { ...now, queued: now.queued - 1 }, effects: none };
    case "turn-ended":
      return settle(
        {
          ...now,
          isRunning: false,
          open: now.open + 1,
          openBytes: now.openBytes + input.bytes,
          isDirty: now.isDirty || input.isDirty,
        },
        none,
      );
    case "recorded":
      return settle({ ...now, open: now.open + 1, isDirty: now.isDirty || input.isDirty }, none);
    case "committed":
      return settle({ ...now, inFlight: 0 }, none);
    case "turn-postponed":
      return settle({ ...now, isRunning: false, queued: now.queued + 1, isHeld: true }, none);
    case "refused":
    case "superseded":
      return unwind(now, input.requeued, input.kind === "superseded" ? "load" : "go-on");
    case "held":
      return { next: { ...now, isHeld: true }, effects: none };
    case "resumed":
      return settle({ ...now, isHeld: false }, none);
    case "idle":
      return isStill(now)
        ? { next: { phase: "gone", why: "passivated" }, effects: ["drop"] }
        : { next: now, effects: none };
    case "loaded":
    case "end":
      return { next: now, effects: none };
  }
}

/** Everything that was built on the commit is void (A6). After a refusal it is held: whoever reports one ends that. */
function unwind(now: Live, requeued: number, then: "load" | "go-on"): ActivationStep {
  const queued = now.queued + requeued;
  if (now.isRunning) return { next: { phase: "unwinding", queued, then, isHeld: true }, effects: none };
  if (then === "load") return { next: { phase: "loading", queued }, effects: ["load"] };
  return { next: liveWith(queued, true), effects: none };
}

/** Starts what may start now: the commit first, so that its round trip overlaps with the next turns. */
function settle(now: Live, before: readonly ActivationEffect[]): ActivationStep {
  let { queued, isRunning, open, openBytes, isDirty, inFlight } = now;
  const effects = [...before];
  if (open > 0 && inFlight === 0) {
    effects.push(isDirty ? "commit" : "release"); // A3, A4
    inFlight = isDirty ? open : 0;
    open = 0;
    openBytes = 0;
    isDirty = false;
  }
  if (!isRunning && !now.isHeld && queued > 0 && open < batchTurnsMax && openBytes < batchBytesMax) {
    effects.push("run-turn"); // A1, A5
    queued -= 1;
    isRunning = true;
  }
  return {
    next: { phase: "live", queued, isRunning, open, openBytes, isDirty, inFlight, isHeld: now.isHeld },
    effects,
  };
}

/** Live, and nothing waits, runs or is being written. */
export function isStill(now: Activation): boolean {
  return now.phase === "live" && now.queued === 0 && !now.isRunning && now.open === 0 && now.inFlight === 0;
}

function liveWith(queued: number, isHeld: boolean): Live {
  return { phase: "live", queued, isRunning: false, open: 0, openBytes: 0, isDirty: false, inFlight: 0, isHeld };
}
