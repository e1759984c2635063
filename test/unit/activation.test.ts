// The pure activation against a model of its shell: a shell that keeps the messages which the activation only counts, and
// lets anything happen to it that can.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Activation, ActivationEffect, ActivationInput } from "../../src/actors/activation.ts";
import { batchBytesMax, batchTurnsMax, isStill, newActivation, step } from "../../src/actors/activation.ts";

/** A turn of the model; a step of `ctx.step` has no message that could wait again. */
interface Ended {
  readonly id: number;
  readonly isStep: boolean;
  readonly isDirty: boolean;
  readonly bytes: number;
}

interface Moment {
  readonly input: ActivationInput;
  readonly effect: ActivationEffect | undefined;
  readonly isRunning: boolean;
  readonly open: readonly Ended[];
  readonly inFlight: readonly Ended[];
}

type Move = { readonly name: string; readonly run: () => void };

class ModelShell {
  now: Activation = newActivation;
  queue: number[] = [];
  running: number | undefined;
  open: Ended[] = [];
  inFlight: Ended[] = [];
  /** What was let go: answered, and past for the cursor. */
  readonly done: number[] = [];
  readonly moments: Moment[] = [];
  isLoading = true;
  holds = 0;
  #undone = 0;
  #ids = 0;

  /** Everything that can happen now. */
  moves(size: number): Move[] {
    const isLive = this.now.phase === "live";
    const moves: Move[] = [{ name: "mail", run: () => this.#mail() }];
    const add = (isPossible: boolean, name: string, run: () => void) => isPossible && moves.push({ name, run });
    const hasRunning = this.running !== undefined && this.now.phase !== "gone";
    add(this.isLoading, "loaded", () => this.#loaded());
    add(hasRunning, "end dirty", () => this.endTurn(true, size));
    add(hasRunning, "end clean", () => this.endTurn(false, size));
    add(hasRunning && isLive, "record", () => this.#record());
    add(hasRunning && isLive, "postpone", () => this.#postpone());
    add(this.inFlight.length > 0, "committed", () => this.commitStands());
    add(this.inFlight.length > 0 && isLive, "refused", () => this.#undo("refused"));
    add(this.inFlight.length > 0 && isLive, "superseded", () => this.#undo("superseded"));
    add(isLive, "held", () => this.#hold());
    add(this.holds > 0, "resumed", () => this.resume());
    add(true, "idle", () => this.apply({ kind: "idle" }));
    return moves;
  }

  /** Lets everything come to its end, with nothing going wrong any more. */
  finish(): void {
    for (let rounds = 0; rounds < 10_000 && this.now.phase !== "gone"; rounds += 1) {
      if (this.isLoading) this.#loaded();
      else if (this.holds > 0) this.resume();
      else if (this.running !== undefined) this.endTurn(true, 1);
      else if (this.inFlight.length > 0) this.commitStands();
      else return;
    }
  }

  apply(input: ActivationInput): void {
    const { next, effects } = step(this.now, input);
    this.now = next;
    if (effects.length === 0) this.#notice(input, undefined);
    for (const effect of effects) {
      this.#notice(input, effect);
      this.#perform(effect);
    }
  }

  endTurn(isDirty: boolean, bytes: number): void {
    if (this.now.phase === "live") {
      this.open.push({ id: this.running ?? -1, isStep: false, isDirty, bytes });
      this.running = undefined;
    }
    this.apply({ kind: "turn-ended", bytes, isDirty });
  }

  commitStands(): void {
    this.done.push(...idsOf(this.inFlight));
    this.inFlight = [];
    this.apply({ kind: "committed" });
  }

  resume(): void {
    this.holds -= 1;
    if (this.holds === 0) this.apply({ kind: "resumed" });
  }

  get arrived(): number {
    return this.#ids;
  }

  #notice(input: ActivationInput, effect: ActivationEffect | undefined): void {
    const isRunning = this.running !== undefined;
    this.moments.push({ input, effect, isRunning, open: [...this.open], inFlight: [...this.inFlight] });
  }

  #perform(effect: ActivationEffect): void {
    switch (effect) {
      case "load":
        this.isLoading = true;
        return;
      case "run-turn":
        this.running = this.queue.shift();
        return;
      case "commit":
        this.inFlight = this.open;
        this.open = [];
        return;
      case "release":
        this.done.push(...idsOf(this.open));
        this.open = [];
        return;
      case "requeue-turn":
        this.queue.splice(this.#undone, 0, this.running ?? -1);
        this.running = undefined;
        return;
      case "drop":
        this.isLoading = false;
        return;
    }
  }

  #mail(): void {
    if (this.now.phase === "gone") return this.apply({ kind: "mail" });
    this.#ids += 1;
    this.queue.push(this.#ids);
    this.apply({ kind: "mail" });
  }

  #loaded(): void {
    this.isLoading = false;
    this.apply({ kind: "loaded" });
  }

  #record(): void {
    this.open.push({ id: this.running ?? -1, isStep: true, isDirty: true, bytes: 0 });
    this.apply({ kind: "recorded", isDirty: true });
  }

  #postpone(): void {
    this.queue.unshift(this.running ?? -1);
    this.running = undefined;
    this.holds += 1;
    this.apply({ kind: "turn-postponed" });
  }

  #undo(kind: "refused" | "superseded"): void {
    const again = idsOf([...this.inFlight, ...this.open]);
    this.inFlight = [];
    this.open = [];
    this.queue.unshift(...again);
    this.#undone = again.length;
    if (kind === "refused") this.holds += 1;
    this.apply({ kind, requeued: again.length });
  }

  #hold(): void {
    this.holds += 1;
    this.apply({ kind: "held" });
  }
}

const idsOf = (ended: readonly Ended[]) => ended.filter(({ isStep }) => !isStep).map(({ id }) => id);

/** Which of the possible moves comes next, and how large a turn's input is. */
const anyChoices = fc.array(fc.tuple(fc.nat(1_000), fc.constantFrom(1, 1, 1, 100_000)), {
  maxLength: 120,
  size: "max",
});
const anyReason = fc.constantFrom("passivated", "fenced", "ownership-lost", "closed", "unreadable" as const);

function play(choices: readonly (readonly [number, number])[]): ModelShell {
  const shell = new ModelShell();
  for (const [choice, size] of choices) {
    const moves = shell.moves(size);
    moves[choice % moves.length]?.run();
  }
  return shell;
}

const always = (law: (shell: ModelShell) => void) =>
  fc.assert(
    fc.property(anyChoices, (choices) => {
      law(play(choices));
    }),
    { numRuns: 400 },
  );

test("A1: at most one turn runs at a time", () => {
  always(({ moments }) => {
    for (const { effect, isRunning } of moments) if (effect === "run-turn") expect(isRunning).toBe(false);
  });
});

test("A2: after the end nothing has an effect any more", () => {
  fc.assert(
    fc.property(anyChoices, anyReason, fc.array(fc.nat(20)), (choices, why, later) => {
      const shell = play(choices);
      const wasGone = shell.now.phase === "gone";
      expect(step(shell.now, { kind: "end", why }).effects).toEqual(wasGone ? [] : ["drop"]);
      shell.apply({ kind: "end", why });
      const inputs: ActivationInput[] = [
        ...(["mail", "withdrawn", "loaded", "committed", "turn-postponed", "held", "resumed", "idle"] as const).map(
          (kind) => ({ kind }),
        ),
        { kind: "recorded", isDirty: true },
        { kind: "turn-ended", bytes: 1, isDirty: true },
        { kind: "refused", requeued: 1 },
        { kind: "superseded", requeued: 1 },
        { kind: "end", why: "fenced" },
      ];
      for (const at of later) {
        const input = inputs[at % inputs.length];
        if (input !== undefined) expect(step(shell.now, input)).toEqual({ next: shell.now, effects: [] });
      }
    }),
  );
});

test("A3: at most one commit is in flight, and what ends meanwhile forms the next one", () => {
  always(({ moments }) => {
    for (const { effect, inFlight, open } of moments) {
      if (effect !== "commit") continue;
      expect(inFlight).toEqual([]);
      expect(open.length).toBeGreaterThan(0);
    }
  });
});

test("A4: what changed something leaves by a commit alone; what changed nothing waits for the commit before it", () => {
  always(({ moments }) => {
    for (const { effect, inFlight, open } of moments) {
      if (effect !== "release") continue;
      expect(open.filter(({ isDirty }) => isDirty)).toEqual([]);
      expect(inFlight).toEqual([]);
    }
  });
});

test("A5: beyond the bounds of a batch no turn starts", () => {
  always(({ moments }) => {
    for (const { effect, open } of moments) {
      if (effect !== "run-turn") continue;
      expect(open.length).toBeLessThan(batchTurnsMax);
      expect(open.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(batchBytesMax);
    }
  });
  const shell = new ModelShell();
  for (let at = 0; at < 2 * batchTurnsMax; at += 1) shell.moves(1)[0]?.run();
  shell.apply({ kind: "loaded" });
  shell.isLoading = false;
  for (let at = 0; at < 2 * batchTurnsMax && shell.running !== undefined; at += 1) shell.endTurn(true, 1);
  expect([shell.inFlight.length, shell.open.length, shell.running]).toEqual([1, batchTurnsMax, undefined]);
  shell.commitStands();
  expect(shell.inFlight.length).toBe(batchTurnsMax);
  expect(shell.running).toBeDefined();
});

test("A6: whatever is undone runs again: each message is let go once, in the order of arrival", () => {
  always((shell) => {
    if (shell.now.phase === "gone") return;
    shell.finish();
    expect(shell.done).toEqual(Array.from({ length: shell.arrived }, (_, at) => at + 1));
    expect(isStill(shell.now)).toBe(true);
  });
});

test("what the activation counts is what its shell holds", () => {
  always(({ now, queue, running, open, inFlight, holds }) => {
    switch (now.phase) {
      case "live":
        expect(now).toMatchObject({ queued: queue.length, isRunning: running !== undefined, open: open.length });
        expect(now.inFlight).toBe(inFlight.length);
        if (holds === 0) expect(now.isHeld).toBe(false);
        return;
      case "loading":
        return expect(now.queued).toBe(queue.length);
      case "unwinding":
        expect([now.queued, running === undefined]).toEqual([queue.length, false]);
        if (now.then === "go-on") expect(now.isHeld).toBe(holds > 0);
        return;
      case "gone":
        return expect(now.why).toBe("passivated");
    }
  });
});

test("it is passivated only when nothing waits, runs or is being written", () => {
  always(({ now, queue, running, open, inFlight }) => {
    if (now.phase !== "gone") return;
    expect([queue, running, open, inFlight]).toEqual([[], undefined, [], []]);
  });
});
