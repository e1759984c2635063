// The files of the page, as `npm run build` leaves them in `dist/web`: from a checkout as from the package.

import { readFile, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Context } from "hono";
import { notFound } from "./problem.ts";

/** From `src/` of a checkout, and from `dist/src/` of a package. */
const places = ["../../../dist/web/", "../../../web/"];

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
};

const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Troupe</title>
<body><h1>The page is not built</h1><p>This checkout has the dashboard's server, but not the files of its page.</p>
<p>Make them with <code>npm run build</code>, then load this again. The figures are at <a href="/api/now">/api/now</a>.</p></body></html>`;

/** The folder of the built page; undefined when there is none. */
export async function findPage(): Promise<string | undefined> {
  for (const place of places) {
    const folder = fileURLToPath(new URL(place, import.meta.url));
    const index = await stat(join(folder, "index.html")).catch(() => undefined);
    if (index?.isFile() === true) return folder;
  }
  return undefined;
}

/** A file of the page; its index for every other path, since the page has routes of its own. */
export async function servePage(context: Context): Promise<Response> {
  const folder = await findPage();
  if (folder === undefined) return context.html(notBuilt, 503);
  const { path } = context.req;
  // An actor's id may end like the name of a file: files lie in `assets/`, or in the folder itself.
  const isFile = /^\/(?:assets\/)?[\w-][\w.-]*\.[a-z0-9]+$/.test(path);
  const name = isFile ? path.slice(1) : "index.html";
  const type = types[extname(name)];
  const bytes = type === undefined ? undefined : await readFile(join(folder, name)).catch(() => undefined);
  if (bytes === undefined || type === undefined) throw notFound(path, "Look at the address.");
  // Vite puts a hash of the content into these names.
  const isForEver = name.startsWith("assets/");
  const caching = isForEver ? "public, max-age=31536000, immutable" : "no-cache";
  return context.body(new Uint8Array(bytes), 200, { "Content-Type": type, "Cache-Control": caching });
}
