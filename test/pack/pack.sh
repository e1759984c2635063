#!/usr/bin/env bash
# What `npm pack` makes can be installed and used by a plain Node project that has never heard of TypeScript:
# its entries load, the command runs, and a TypeScript project finds the types.
set -euo pipefail
cd "$(dirname "$0")/../.."
project=$PWD
# The project's own Node, on a machine whose Node may be older.
export PATH="$project/node_modules/.bin:$PATH"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

npm pack --pack-destination "$work" >"$work/pack.log" 2>&1 || { cat "$work/pack.log"; exit 1; }
mkdir "$work/user"
cd "$work/user"
echo '{ "name": "user", "version": "1.0.0", "private": true, "type": "module" }' >package.json
# What it depends on comes over the network, which has its moments: once more, after a pause.
install() { npm install --no-audit --no-fund --loglevel=error "$work"/troupe-*.tgz; }
install || { sleep 30; install; }

cat >use.js <<'JS'
import assert from "node:assert/strict";
const troupe = await import("troupe");
for (const name of ["defineActor", "connect", "createWorker"]) assert.equal(typeof troupe[name], "function", name);
assert.ok(Object.keys(await import("troupe/testing")).length > 0, "troupe/testing exports something");
await assert.rejects(import("troupe/dist/src/index.js"), { code: "ERR_PACKAGE_PATH_NOT_EXPORTED" });
console.log(`import("troupe"): ${Object.keys(troupe).length} exports`);
JS
node use.js

# The page that `troupe dashboard` serves is there, built, with all that it names.
page=node_modules/troupe/dist/web
for file in index.html favicon.svg LICENSES.md; do
  test -s "$page/$file" || { echo "the package has no $file of the page"; exit 1; }
done
for asset in $(grep -oE '/assets/[^"]+' "$page/index.html"); do
  test -s "$page$asset" || { echo "the page names $asset, and the package has none"; exit 1; }
done
grep -q 'uplot' "$page/LICENSES.md" || { echo "the licence of what is bundled is not kept"; exit 1; }

./node_modules/.bin/troupe --help >help.txt
grep -qi usage help.txt || { echo "troupe --help does not say how it is used:"; cat help.txt; exit 1; }

echo 'import { connect, createWorker, defineActor } from "troupe"; export { connect, createWorker, defineActor };' >use.ts
tsc --strict --module nodenext --target es2024 --skipLibCheck --noEmit --types "" use.ts

echo "the package installs, loads, runs and has its types"
