// Jaeger from its Go module. `go install` refuses it, since its go.mod replaces a module, and a module of ours that requires it would
// have to know the checksums of all that it needs. So it is built where the module cache has it, with its own go.sum.

import { join } from "node:path";
import { cachedPath, findOnPath, isExecutable } from "../../src/cli/local-server/locate.ts";
import { run } from "../../src/cli/local-server/run.ts";
import { fetchAlone, openStaging } from "../../src/cli/local-server/staging.ts";

/** The last version that the Go module proxy has; what it builds calls itself Jaeger 2. */
const jaegerModule = "github.com/jaegertracing/jaeger@v1.76.0";
const buildMsMax = 20 * 60_000;

/** Its path in the cache. Rejects when it cannot be built. Jaeger's page is not part of the module; its API is. */
export function buildJaeger(cacheDir: string, program: string, onProgress: (line: string) => void): Promise<string> {
  const cached = cachedPath(cacheDir, program);
  return fetchAlone(cacheDir, program, onProgress, async () => {
    // Another process may have built it while this one waited.
    if (await isExecutable(cached)) return cached;
    if ((await findOnPath("go", process.env)).length === 0) throw new Error("go is not installed");
    await using staging = await openStaging(cacheDir);
    onProgress(`building ${jaegerModule} with go, which takes some minutes`);
    await go(["mod", "download", jaegerModule], staging.folder);
    const source = join((await go(["env", "GOMODCACHE"], staging.folder)).trim(), jaegerModule);
    const built = join(staging.folder, program);
    await go(["build", "-mod=readonly", "-trimpath", "-o", built, "./cmd/jaeger"], source);
    return await staging.install(built, program);
  });
}

async function go(args: readonly string[], cwd: string): Promise<string> {
  // Statically linked, so that no C compiler is needed.
  const env = { ...process.env, CGO_ENABLED: "0" };
  const outcome = await run("go", args, { timeoutMs: buildMsMax, env, cwd });
  if (outcome.kind === "failed") throw new Error(outcome.reason);
  return outcome.output;
}
