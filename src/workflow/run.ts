// A run as it is stored, the events that move it, and what it wants done. Laws: `advance.ts`.

import type { Schema } from "../core/schema.ts";
import type { Failure } from "./failure.ts";
import type { Place } from "./node.ts";
import type { Tree } from "./tree.ts";

/** Results of the steps of a task, by name. */
export type KeptSteps = Readonly<Record<string, unknown>>;

/** An order as it is given, or is to be given again. */
export interface Order {
  readonly order: number;
  readonly attempt: number;
  /** What the steps of the attempts so far have kept. */
  readonly steps?: KeptSteps;
  /** Attempts before a person said `retry`: how often it is tried is counted from there. */
  readonly spent?: number;
}

/** What a task or a child goes on with when a person says `retry`. */
export type Again =
  /** It has failed: the same order, so that its steps, and others by its key, know what was done. */
  | ({ readonly is: "failed" } & Order)
  /** It has ended well, and its result could not be taken in: it is not run again. */
  | { readonly is: "done"; readonly result?: unknown };

/** What a node is doing. A node without a mark has not begun, or was given up with the branch that it stands in. */
export type Mark =
  /** Held back while the run is paused, or until what was given up in it has ended and is undone. */
  | { readonly is: "ready"; readonly again?: Again }
  /** It is carried out, by the run's worker or by another actor. */
  | ({ readonly is: "running" } & Omit<Order, "steps">)
  /** Has failed, and is to be tried again at a time. */
  | ({ readonly is: "backing-off"; readonly dueMs: number; readonly failure: Failure } & Order)
  /** `sinceMs` is absent in runs that an earlier version has stored. */
  | { readonly is: "sleeping"; readonly dueMs: number; readonly sinceMs?: number }
  | { readonly is: "waiting"; readonly signal: string; readonly dueMs?: number; readonly sinceMs?: number }
  /** Something in it goes on. `way`: which branch, or which way of an attempt. */
  | {
      readonly is: "open";
      readonly way?: string;
      /** Items or ways begun, repetitions. */
      readonly begun?: number;
      readonly good?: number;
      readonly bad?: number;
      readonly items?: readonly unknown[];
      /** When an attempt has taken too long. */
      readonly dueMs?: number;
    }
  /** An attempt whose body failed: what was done in it is being undone. */
  | { readonly is: "compensating"; readonly failure: Failure }
  /** Given up while an order was out: how it ends still counts for what is to be undone. */
  | { readonly is: "left"; readonly order: number; readonly attempt: number; readonly place: Place }
  /** Has failed, and a person is to decide. */
  | { readonly is: "held"; readonly failure: Failure; readonly again?: Again }
  | { readonly is: "failed"; readonly failure: Failure }
  | { readonly is: "done"; readonly way?: string }
  | { readonly is: "compensated" };

/** Something that was done and can be undone. The order stands while its undoing is under way. */
export interface Compensation {
  readonly path: string;
  readonly place: Place;
  readonly result?: unknown;
  readonly order?: number;
  /** Runs of the undoing so far. */
  readonly attempt?: number;
  /** When it is tried again. */
  readonly dueMs?: number;
}

export interface KeptSignal {
  readonly name: string;
  readonly data?: unknown;
}

/** Who started this run as its child, and is told how it ends. */
export interface RunParent {
  readonly type: string;
  readonly id: string;
  readonly pool?: string;
  readonly path: string;
  readonly order: number;
  readonly attempt: number;
}

/**
 * `new`: not started. `held`: something failed that a person is to decide about, by `retry` or `cancel`. `compensating`: the run
 * has failed or was cancelled, and what it did is undone. `completed`, `failed`, `cancelled`: over.
 */
export type Phase = "new" | "running" | "held" | "compensating" | "completed" | "failed" | "cancelled";

export interface Run<State = unknown> {
  readonly state: State;
  readonly phase: Phase;
  readonly paused?: boolean;
  readonly version?: number;
  readonly hash?: string;
  readonly marks: Readonly<Record<string, Mark>>;
  readonly compensations?: readonly Compensation[];
  readonly signals?: readonly KeptSignal[];
  /** How many turns have changed it. */
  readonly changes?: number;
  /** The last number given to an order. */
  readonly orders?: number;
  readonly failure?: Failure;
  readonly result?: unknown;
  readonly parent?: RunParent;
  /** When the run's timer fires. */
  readonly timerMs?: number;
}

export type Outcome =
  | { readonly kind: "ok"; readonly result?: unknown }
  /** `steps`: what it has kept for the next attempt. */
  | { readonly kind: "failed"; readonly failure: Failure; readonly steps?: KeptSteps };

export interface Ended {
  readonly path: string;
  readonly order: number;
  readonly attempt: number;
  readonly outcome: Outcome;
}

export type RunEvent =
  | { readonly kind: "start"; readonly state: unknown; readonly parent: RunParent | undefined }
  | ({ readonly kind: "ended" } & Ended)
  /** A time has come. */
  | { readonly kind: "due" }
  /** `at`: for the wait at this path alone. */
  | { readonly kind: "signal"; readonly name: string; readonly data: unknown; readonly at?: string }
  | { readonly kind: "cancel"; readonly reason: string }
  | { readonly kind: "pause" }
  | { readonly kind: "resume" }
  | { readonly kind: "retry" };

export type Command =
  | {
      readonly kind: "task";
      readonly path: string;
      readonly order: number;
      readonly attempt: number;
      readonly place: Place;
      /** What the attempts before have kept. */
      readonly steps?: KeptSteps;
    }
  | {
      readonly kind: "compensate";
      readonly path: string;
      readonly order: number;
      readonly attempt: number;
      readonly place: Place;
      readonly result: unknown;
    }
  | {
      readonly kind: "child";
      readonly path: string;
      readonly order: number;
      readonly attempt: number;
      readonly input: unknown;
    }
  | { readonly kind: "cancel-child"; readonly path: string; readonly order: number; readonly attempt: number };

/** A node, or the run itself (path ""), has passed from one thing to another. */
export interface Transition {
  readonly path: string;
  readonly from: Mark["is"] | Phase | "absent";
  readonly to: Mark["is"] | Phase | "absent";
  readonly attempt?: number;
  readonly failure?: Failure;
}

/** What the interpreter needs to know of a workflow. */
export interface Plan {
  readonly name: string;
  readonly version: number;
  readonly tree: Tree;
  readonly state: Schema;
  readonly result: ((state: unknown) => unknown) | undefined;
  readonly onFailure: "compensate" | "hold";
}

export const isOver = (phase: Phase): boolean => phase === "completed" || phase === "failed" || phase === "cancelled";
