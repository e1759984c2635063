// Values on their way into a run's committed value.

/** What a trip through JSON makes of it: what a run remembers is no one else's to change. Throws what JSON cannot carry. */
export function wire(value: unknown): unknown {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}
