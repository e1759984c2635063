// Load that goes on evenly, so that what was done in one second is what was done in the next.

/** Does `act` each 50 ms, so many times, and resolves when all that it began is done. */
export async function eachTick(times: number, act: (tick: number) => readonly Promise<unknown>[]): Promise<void> {
  const begun: Promise<unknown>[] = [];
  await new Promise<void>((resolve) => {
    let tick = 0;
    const ticking = setInterval(() => {
      begun.push(...act(tick));
      tick += 1;
      if (tick < times) return;
      clearInterval(ticking);
      resolve();
    }, 50);
  });
  await Promise.all(begun);
}
