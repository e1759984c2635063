// The official `nats` command, for tests that look from outside. Undefined where it is not installed, and those tests are
// skipped; with TROUPE_NATS_CLI=require its lack is a failure.

import { execFile } from "node:child_process";
import { findNatsCli } from "../../src/cli/local-server/find-cli.ts";

export interface Said {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

/** The path of the command. */
export async function findNatsCommand(): Promise<string | undefined> {
  const isRequired = process.env.TROUPE_NATS_CLI === "require";
  const path = await findNatsCli({
    env: process.env,
    onProgress: (line) => console.error(line),
    mayFetch: isRequired,
  });
  if (path === undefined && isRequired) throw new Error("TROUPE_NATS_CLI=require, and there is no nats command");
  return path;
}

/** Runs it on a server. Standard output holds what was asked for, standard error what it says besides. */
export function runNats(path: string, server: string, args: readonly string[]): Promise<Said> {
  return new Promise((resolve) => {
    const command = [...args, "--server", server, "--timeout", "10s"];
    const child = execFile(path, command, { timeout: 30_000 }, (error, out, err) => {
      resolve({ out, err, code: error === null ? 0 : Number(error.code) });
    });
    child.stdin?.end();
  });
}
