import { defineConfig } from "vitest/config";

// One project per kind of test, so that each can be run by its name: `npm run unit`, `npm run server`, ...
const project = (name: string, include: string, timeoutMs: number) => ({
  test: {
    ...{ name, include: [include], testTimeout: timeoutMs, hookTimeout: 120_000, pool: "forks" as const },
    setupFiles: ["test/support/loop-beat.ts", "test/support/perturbed.ts"],
    // For what is looked at again and again a second is no time on a machine that is busy.
    expect: { poll: { timeout: 10_000 } },
  },
});

export default defineConfig({
  test: {
    retry: 0,
    // Most tests wait for a server or a timer most of the time: more of them at once than there are cores.
    maxWorkers: 3,
    projects: [
      project("tidy", "test/tidy/**/*.test.ts", 60_000),
      project("unit", "test/unit/**/*.test.ts", 120_000),
      project("contract", "test/contract/**/*.test.ts", 120_000),
      project("server", "test/server/**/*.test.ts", 120_000),
      project("cluster", "test/cluster/**/*.test.ts", 120_000),
      project("browser", "test/browser/**/*.test.ts", 120_000),
    ],
  },
});
