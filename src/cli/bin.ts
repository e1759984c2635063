#!/usr/bin/env node
// The `troupe` command.

import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { defaultCacheDir } from "./local-server/locate.ts";

// Halves the time that a command takes to start. In a folder of this user's own: whoever can write there decides what runs.
enableCompileCache(join(defaultCacheDir(process.env), "compiled"));
const { main } = await import("./main.ts");
const code = await main(process.argv.slice(2), process.env);
// What the files of a worker's actors have opened may live on; what was printed is written out first.
process.stdout.write("", () => process.exit(code));
