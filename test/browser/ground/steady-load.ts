// Load that goes on evenly, so that what was done in one second is what was done in the next; or until somebody has seen it.

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

/** Does `act` again and again until `seen` settles. It is there to be seen: what fails of it has failed. Rejects as `seen` does. */
export async function untilSeen(seen: Promise<unknown>, act: () => Promise<unknown>): Promise<void> {
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  seen.then(end, end);
  while (!isOver) {
    await act().catch(() => undefined);
    await new Promise(setImmediate);
  }
  await seen;
}
