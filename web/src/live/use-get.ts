// What a GET answers, in a component: read when its address changes and when `reload` is called. What was there stays on the
// screen while the next is read, so that nothing jumps, and stays when reading fails, with the problem beside it.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "../../../src/monitoring/dashboard/api/page.ts";
import { later, localNow } from "../page-clock.ts";
import type { Query } from "./api-client.ts";
import { get, ProblemError, problemFrom } from "./api-client.ts";
import { whenConnected } from "./live.ts";

export interface Got<Answer> {
  readonly data: Answer | null;
  readonly problem: Problem | null;
  /** True while nothing has come for this address yet: `data` may be of the one before. */
  readonly isLoading: boolean;
  /** `data` is of the address before: for this one nothing has come yet, or it could not be read. */
  readonly isFormer: boolean;
  /** When the server was asked for `data`, by this machine's clock: what has come live since may be newer. */
  readonly askedAtMs: number;
  /**
   * Reads again; calls while one is under way make one more, so it may be called on each change. It is the same function as long as the
   * component lives, and reads what is wanted when it is called: whoever has waited for something may have an old one.
   */
  readonly reload: () => void;
}

interface Held<Answer> {
  /** What was asked for last, and what `data` is the answer to. */
  readonly of: string;
  readonly dataOf: string;
  readonly data: Answer | null;
  readonly problem: Problem | null;
  readonly askedAtMs: number;
}

const nothing = { of: "", dataOf: "", data: null, problem: null, askedAtMs: 0 } as const;
/** What could not be read because the server, or NATS behind it, was away for a moment, is read again so often. Unit: ms. */
const againMs = 3_000;

/** `path` null: nothing is read. A path that differs in more than its query drops what was there. */
export function useGet<Answer>(path: string | null, query: Query = {}): Got<Answer> {
  const address = path === null ? "" : `${path}?${JSON.stringify(query)}`;
  const [held, setHeld] = useState<Held<Answer>>(nothing);
  const under = useRef<{ abort: AbortController; isAgainWanted: boolean } | null>(null);
  const takeBack = useRef<(() => void) | undefined>(undefined);

  const read = () => {
    takeBack.current?.();
    if (path === null) return;
    if (under.current !== null) {
      under.current.isAgainWanted = true;
      return;
    }
    const here = { abort: new AbortController(), isAgainWanted: false };
    under.current = here;
    const askedAtMs = localNow();
    const done = (next: (before: Held<Answer>) => Held<Answer>, isForAMoment = false) => {
      if (under.current !== here) return;
      under.current = null;
      setHeld(next);
      if (here.isAgainWanted) read();
      else if (isForAMoment) takeBack.current = later(againMs, read);
    };
    get<Answer>(path, query, here.abort.signal).then(
      (data) => done(() => ({ of: address, dataOf: address, data, problem: null, askedAtMs })),
      (error: unknown) => done((before) => ({ ...before, of: address, problem: problemFrom(error) }), isPassing(error)),
    );
  };
  const latest = useRef(read);
  useEffect(() => {
    latest.current = read;
    setHeld((before) => (samePath(before.of, address) ? before : nothing));
    read();
    const off = whenConnected(read);
    return () => {
      off();
      takeBack.current?.();
      under.current?.abort.abort();
      under.current = null;
      latest.current = () => {};
    };
  }, [address]);
  const reload = useCallback(() => latest.current(), []);

  const isOf = samePath(held.of, address);
  const isFormer = path !== null && held.dataOf !== address;
  return {
    data: isOf ? held.data : null,
    problem: isOf ? held.problem : null,
    isLoading: path !== null && held.of !== address,
    isFormer,
    askedAtMs: held.askedAtMs,
    reload,
  };
}

const isPassing = (error: unknown): boolean =>
  error instanceof ProblemError && [0, 502, 503, 504].includes(error.status);

const samePath = (one: string, other: string): boolean => one.split("?")[0] === other.split("?")[0];
