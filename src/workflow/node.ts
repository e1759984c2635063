// A workflow's definition as data: a tree of nodes. Functions stand in its leaves; what leads from one to the next is
// known from the tree alone, so that it can be drawn, hashed and walked without running anything.

import type { AnyActor } from "../actors/definition.ts";
import type { Schema } from "../core/schema.ts";
import type { Failure } from "./failure.ts";

/** Where a node stands among items and repetitions: those of the nearest `forEach` or `loop` around it. */
export interface Place {
  /** The item of the nearest `forEach`; undefined outside of one. */
  readonly item: unknown;
  /** The number of the item or of the repetition, from 0. */
  readonly index: number;
}

/** Longest time that a node may name: ten years. Unit: ms. */
export const waitMsMax = 10 * 365 * 86_400_000;

/** How often a failing task is tried. */
export interface RetryPlan {
  /** Runs in all. Default 3. */
  readonly attempts: number;
  /** Wait before the second run; doubles with each one, half of it by chance. Unit: ms. Default 1,000. */
  readonly backoffMs: number;
  /** Longest wait. Unit: ms. Default 60,000. */
  readonly backoffMsMax: number;
}

export interface RetryPlans extends RetryPlan {
  /** Another plan for failures of these codes. */
  readonly kinds: Readonly<Record<string, RetryPlan>>;
}

/** How many ways of a `parallel` or items of a `forEach` have to end well: all, one, or so many. */
export type Join = "all" | "any" | number;

export type Change = (state: unknown, place: Place) => unknown;
export type Save = (state: unknown, result: unknown, place: Place) => unknown;
export type Ask<Answer> = (state: unknown, place: Place) => Answer;
/** Nodes that run one after the other. */
export type Block = readonly Node[];

export interface TaskNode {
  readonly kind: "task";
  readonly name: string;
  readonly run: (ctx: never) => unknown;
  readonly save: Save | undefined;
  readonly compensate: ((ctx: never, result: never) => unknown) | undefined;
  readonly retry: RetryPlans;
  readonly timeoutMs: number;
}

export interface ChildNode {
  readonly kind: "child";
  readonly name: string;
  /** The actor type of the child's runs. */
  readonly runs: AnyActor;
  /** All that a worker has to have for the child. */
  readonly actors: readonly AnyActor[];
  readonly input: Ask<unknown>;
  readonly save: Save | undefined;
  readonly compensate: ((ctx: never, result: never) => unknown) | undefined;
  readonly retry: RetryPlans;
}

export interface ChangeNode {
  readonly kind: "change";
  readonly name: string;
  readonly change: Change;
}

export interface Way {
  readonly name: string;
  /** Undefined for what is done otherwise. */
  readonly when: Ask<boolean> | undefined;
  readonly block: Block;
}

export interface BranchNode {
  readonly kind: "branch";
  readonly name: string;
  readonly ways: readonly Way[];
}

export interface ParallelNode {
  readonly kind: "parallel";
  readonly name: string;
  readonly ways: readonly Way[];
  readonly join: Join;
}

export interface EachNode {
  readonly kind: "each";
  readonly name: string;
  readonly items: (state: unknown, place: Place) => readonly unknown[];
  readonly block: Block;
  readonly concurrency: number;
  readonly join: Join;
}

export interface LoopNode {
  readonly kind: "loop";
  readonly name: string;
  readonly until: Ask<boolean>;
  readonly timesMax: number;
  readonly block: Block;
}

export interface SleepNode {
  readonly kind: "sleep";
  readonly name: string;
  /** Unit: ms. */
  readonly ms: Ask<number>;
}

export interface WaitNode {
  readonly kind: "wait";
  readonly name: string;
  readonly signal: string;
  readonly schema: Schema | undefined;
  readonly save: Save | undefined;
  /** Unit: ms. */
  readonly timeoutMs: number | undefined;
  /** What is done when no signal came in time; without it the node fails with SIGNAL_LATE. */
  readonly late: Block | undefined;
}

/** What is done about some failures of an attempt. */
export interface ErrorPath {
  readonly name: string;
  readonly fits: (failure: Failure, state: unknown, place: Place) => boolean;
  readonly block: Block;
}

/** A scope: when its body fails, what was done in it is undone, and then an error path leads on. */
export interface AttemptNode {
  readonly kind: "attempt";
  readonly name: string;
  readonly block: Block;
  /** The first that fits is taken. A failure that fits none fails the attempt. */
  readonly ways: readonly ErrorPath[];
  /** Unit: ms. */
  readonly timeoutMs: number | undefined;
}

export interface FailNode {
  readonly kind: "fail";
  readonly name: string;
  readonly code: string;
  readonly message: Ask<string>;
}

/** What is ordered, and ends in its own time: a task, or a run that is a child. */
export type OrderNode = TaskNode | ChildNode;
export type Node =
  | OrderNode
  | ChangeNode
  | BranchNode
  | ParallelNode
  | EachNode
  | LoopNode
  | SleepNode
  | WaitNode
  | AttemptNode
  | FailNode;

/** The blocks in a node, by the part that they add to its path. */
export function blocksOf(node: Node): readonly (readonly [part: string, block: Block])[] {
  switch (node.kind) {
    case "task":
    case "child":
    case "change":
    case "sleep":
    case "fail":
      return [];
    case "branch":
    case "parallel":
      return node.ways.map(({ name, block }) => [`/${name}`, block]);
    case "each":
    case "loop":
      return [["[]", node.block]];
    case "wait":
      return node.late === undefined ? [] : [["/late", node.late]];
    case "attempt":
      return [["/try", node.block], ...node.ways.map(({ name, block }) => [`/${name}`, block] as const)];
  }
}
