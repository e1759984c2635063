// One clock for all processes of a run: the machine's monotonic clock, which every process reads alike.
// (`performance.timeOrigin` is read from the wall clock at each process's own start, so two of them differ by some µs.)

const originMs = readOrigin();

/** Milliseconds on the machine's monotonic clock, comparable between processes of one machine. */
export function sharedNowMs(): number {
  return originMs + performance.now();
}

/** Where `performance.now()` is 0 on the monotonic clock: of many readings the one with the least time in between. */
function readOrigin(): number {
  let best = { gapMs: Number.POSITIVE_INFINITY, originMs: 0 };
  for (let times = 0; times < 1_000; times += 1) {
    const before = performance.now();
    const nowMs = Number(process.hrtime.bigint()) / 1e6;
    const after = performance.now();
    if (after - before < best.gapMs) best = { gapMs: after - before, originMs: nowMs - (before + after) / 2 };
  }
  return best.originMs;
}
