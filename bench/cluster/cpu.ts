// How much of the processors each process takes, by the kernel's own account. Linux only.

import { readFile } from "node:fs/promises";

/** The kernel's unit of `/proc/<pid>/stat` for programs, whatever it counts in itself. Unit: ticks a second. */
const ticksPerSecond = 100;

/** Time on a processor, in the program and in the kernel for it, of all its threads. Unit: ms. Throws for what is no such line. */
export function readCpuMs(stat: string): number {
  // The second field is the program's name in brackets, which may hold anything, brackets and spaces too.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  if (!Number.isFinite(user) || !Number.isFinite(system)) throw new Error(`no line of /proc/<pid>/stat: ${stat}`);
  return ((user + system) / ticksPerSecond) * 1_000;
}

export type CpuTimes = ReadonlyMap<number, number>;

/** Of each process, so far. Unit: ms. */
export async function cpuTimes(pids: readonly number[]): Promise<CpuTimes> {
  const entries = pids.map(async (pid) => [pid, readCpuMs(await readFile(`/proc/${pid}/stat`, "utf8"))] as const);
  return new Map(await Promise.all(entries));
}

/** Processors that these processes kept busy between two readings, together: 1 is one core all the time. */
export function coresOf(pids: readonly number[], before: CpuTimes, after: CpuTimes, elapsedMs: number): number {
  const used = pids.map((pid) => (after.get(pid) ?? 0) - (before.get(pid) ?? 0));
  return used.reduce((sum, ms) => sum + ms, 0) / elapsedMs;
}
