// Builds the page into dist/web, from where the dashboard's server hands it out. The page asks no other host for anything and
// holds under `default-src 'self'`: no asset is inlined as data, nothing is written into the HTML as a script or a style.

import { join } from "node:path";
import { preact } from "@preact/preset-vite";
import { defineConfig } from "vite";

/** Where `npm run page` finds the server that it passes /api on to. */
const dashboard = process.env.TROUPE_DASHBOARD ?? "http://127.0.0.1:4270";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [preact()],
  build: {
    outDir: join(import.meta.dirname, "..", "dist", "web"),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: false,
    // The licences of what is bundled ask for their text to be kept with it.
    license: { fileName: "LICENSES.md" },
    reportCompressedSize: false,
  },
  server: { host: "127.0.0.1", port: 4271, proxy: { "/api": { target: dashboard, changeOrigin: false } } },
});
