// The entries that stand in every window: their positions, in the head.

import { TroupeError } from "../core/errors.ts";
import type { Head } from "./head.ts";
import { changeHead, checkEra } from "./head.ts";
import type { LogHandle } from "./log-handle.ts";
import { scopeKey } from "./scope.ts";

/** Pinned entries of one log. */
export const pinsMax = 256;

/** Rejects with ENTRY_INVALID when the log would have more pinned entries than it may. */
export async function checkRoomForPins(log: LogHandle, count: number): Promise<void> {
  const { pins } = (await log.look()).head;
  if (pins.length + count > pinsMax) throw tooMany(log, pins.length, count);
}

/** Pins what is not pinned yet. Rejects with SCOPE_ERASED, ENTRY_INVALID, WRITE_CONTENDED, and as the store does. */
export async function addPins(log: LogHandle, positions: readonly number[], era: number): Promise<void> {
  await changePins(log, era, (pins) => {
    const missing = positions.filter((position) => !pins.includes(position));
    if (missing.length === 0) return undefined;
    if (pins.length + missing.length > pinsMax) throw tooMany(log, pins.length, missing.length);
    return [...pins, ...missing].sort((one, other) => one - other);
  });
}

export async function removePin(log: LogHandle, position: number, era: number): Promise<void> {
  await changePins(log, era, (pins) => (pins.includes(position) ? pins.filter((pin) => pin !== position) : undefined));
}

async function changePins(
  { stores, scope }: LogHandle,
  era: number,
  change: (pins: readonly number[]) => readonly number[] | undefined,
): Promise<void> {
  await changeHead(stores.entries, scope, stores.clock, (head): Head | undefined => {
    checkEra(scopeKey(scope), head, era);
    const pins = change(head.pins);
    return pins === undefined ? undefined : { ...head, pins };
  });
}

function tooMany({ scope }: LogHandle, standing: number, more: number): TroupeError {
  const text = `${scopeKey(scope)} has ${standing} pinned entries, and may have ${pinsMax}: there is no room for ${more} more`;
  return new TroupeError("ENTRY_INVALID", text);
}
