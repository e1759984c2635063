// A program from its Go module, built by the Go toolchain of this machine.

import { join } from "node:path";
import type { FetchContext, FetchOutcome } from "./fetch.ts";
import { failed } from "./fetch.ts";
import { findOnPath } from "./locate.ts";
import { run } from "./run.ts";

export interface GoProgram {
  /** The package to build, with its version: `example.org/module/cmd/name@v1.2.3`. */
  readonly module: string;
  /** The name of the program that comes out. */
  readonly program: string;
}

export const serverModule: GoProgram = {
  module: "github.com/nats-io/nats-server/v2@v2.15.2",
  program: "nats-server",
};

export const natsCliModule: GoProgram = {
  module: "github.com/nats-io/natscli/nats@v0.5.1",
  program: "nats",
};

/** Fetching all modules and compiling them takes minutes on a small machine. Unit: ms. */
const buildMsMax = 12 * 60_000;

export async function fetchGo(context: FetchContext, { module, program }: GoProgram): Promise<FetchOutcome> {
  if ((await findOnPath("go", context.env)).length === 0) return failed("go is not installed");
  context.onProgress(`building ${module} with go, which takes a minute or more`);
  const built = await run("go", ["install", module], {
    timeoutMs: buildMsMax,
    // Statically linked, so that no C compiler is needed.
    env: { ...context.env, GOBIN: context.folder, CGO_ENABLED: "0" },
  });
  if (built.kind === "failed") return failed(built.reason);
  return { kind: "fetched", path: join(context.folder, program) };
}
