// Methods that every actor has by itself. Their names begin with `_`, which no user's method does, so that only Troupe
// sends them.

/** Told: makes sure that its actor is looked at after a takeover. */
export const wakeMethod = "_wake";
/** Told by a turn that spawned the actor: `{"method","pool"}`, the method of the sender's that hears of failures, and its pool. */
export const spawnedMethod = "_spawned";
/** Told by a turn: `{"reason"}`. */
export const stopMethod = "_stop";
/** Asked: starts a stopped actor again, `{"skip"}` without the message that it stopped at. */
export const resumeMethod = "_resume";

export const systemMethods: readonly string[] = [wakeMethod, spawnedMethod, stopMethod, resumeMethod];
