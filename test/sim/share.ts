// A process that runs its share of the seeds, and tells the one that started it of each.

import { runSeeds } from "./many.ts";

const [from, count] = process.argv.slice(2).map(Number);
await runSeeds({ from: from ?? 0, count: count ?? 0 }, (result) => process.send?.(result));
process.disconnect?.();
