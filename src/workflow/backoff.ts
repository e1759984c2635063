// When a failing task is tried again. Chance would make two replays of one event differ, so what spreads the attempts of
// many runs is a hash of what is tried (W1).

import type { RetryPlans } from "./node.ts";

/** The wait before the next run; undefined when there is none. Unit: ms. */
export function backoffMs(retry: RetryPlans, code: string, attempts: number, salt: string): number | undefined {
  const plan = Object.hasOwn(retry.kinds, code) ? (retry.kinds[code] ?? retry) : retry;
  if (attempts >= plan.attempts) return undefined;
  const longest = Math.min(plan.backoffMsMax, plan.backoffMs * 2 ** (attempts - 1));
  return Math.ceil(longest * (0.5 + spread(`${salt} ${attempts}`) / 2));
}

/** FNV-1a 32, as a number from 0 to 1. */
function spread(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0) / 2 ** 32;
}
