// Scopes that the index of recall follows by one watch: which they are, and whether what stands there is in the index.

import type { Clock } from "../core/clock.ts";
import { matcherOf } from "../kv/keys.ts";
import type { MemoryCursor } from "./memory-change.ts";
import { RevisionWaits } from "./replica/revision-waits.ts";
import type { ScopePattern } from "./scope.ts";
import { scopePattern } from "./scope.ts";

export class FollowedScopes {
  /** Its keys' pattern without what stands behind the scope. */
  readonly text: string;
  readonly scope: ScopePattern | undefined;
  readonly under: boolean;
  readonly ended = new AbortController();
  following: Promise<void> = Promise.resolve();
  readonly waits: RevisionWaits;
  /** It has never stood yet. */
  isFirst = true;
  #stands = false;
  #current = Promise.withResolvers<void>();
  readonly #matchers: readonly ((key: string) => boolean)[];

  constructor(text: string, scope: ScopePattern | undefined, under: boolean, clock: Clock) {
    this.text = text;
    this.scope = scope;
    this.under = under;
    this.waits = new RevisionWaits(clock, text);
    const own = scope === undefined ? [] : [scopePattern(scope)];
    this.#matchers = [...own, ...(scope === undefined || under ? [text] : [])].map(matcherOf);
    this.#current.promise.catch(() => undefined); // Whoever waits is told.
  }

  /** Resolves when all that stands is in the index. */
  get current(): Promise<void> {
    return this.#current.promise;
  }

  stands(): void {
    this.isFirst = false;
    this.#stands = true;
    this.#current.resolve();
  }

  /** From now on until it stands again whoever asks waits. */
  startOver(): void {
    for (const bucket of ["memory", "facts"] as const) this.waits.startOver(bucket);
    if (!this.#stands) return;
    this.#stands = false;
    this.#current = Promise.withResolvers();
    this.#current.promise.catch(() => undefined); // Whoever waits is told.
  }

  reach({ memory = 0, facts = 0 }: MemoryCursor): void {
    this.waits.reach("memory", memory);
    this.waits.reach("facts", facts);
  }

  /** It does not go on. */
  fail(thrown: unknown): void {
    this.#current.reject(thrown);
    this.waits.end(thrown);
  }

  /** Whether what is of the scope of this key text is followed. */
  matches(scope: string): boolean {
    return this.#matchers.some((matches) => matches(scope));
  }

  /** Whether all of these scopes are followed by this. A pattern may be covered without this being seen: then it is followed too. */
  covers(scope: ScopePattern | undefined, under: boolean): boolean {
    if (this.scope === undefined) return true;
    if (scope === undefined || (under && !this.under)) return false;
    const text = scopePattern(scope);
    return !text.includes("*") && this.matches(text);
  }
}
