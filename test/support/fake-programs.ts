// Programs that stand in for apt-get, go and nats-server: real executable files in a folder that is the whole PATH.

import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { findOnPath } from "../../src/cli/local-server/locate.ts";

/** What the fakes themselves and `tar` are made of, taken from the machine. */
const borrowed = ["cat", "chmod", "cp", "gzip", "mkdir", "tar"];

/** An environment whose PATH holds nothing but what is put there with `writeProgram`. */
export async function bareEnvironment(folder: string): Promise<{ env: NodeJS.ProcessEnv; bin: string }> {
  const bin = join(folder, "fake-bin");
  await mkdir(bin, { recursive: true });
  for (const name of borrowed) {
    const [path] = await findOnPath(name, process.env);
    if (path === undefined) throw new Error(`these tests need ${name} on the PATH`);
    await symlink(path, join(bin, name));
  }
  return { env: { PATH: bin, HOME: join(folder, "home") }, bin };
}

/** Writes an executable shell script. */
export async function writeProgram(path: string, body: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return path;
}

/** The body of a program that says that it is this version of nats-server. */
export const saysVersion = (version: string) => `echo "nats-server: v${version}"`;
