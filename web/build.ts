// What `npm ci` runs in a checkout (`prepare`), so that the page is there without being asked for. An install without the
// development packages (`--omit=dev`) has no vite: it goes without the page and says so. Whoever installs the packed package
// gets the page built.

import { createRequire } from "node:module";

const isInstalled = (name: string): boolean => {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    // Not installed.
    return false;
  }
};

if (isInstalled("vite") && isInstalled("preact")) {
  const { build } = await import("vite");
  await build({ root: import.meta.dirname, configFile: `${import.meta.dirname}/vite.config.ts`, logLevel: "warn" });
} else {
  console.error("the dashboard's page is not built: it needs the development packages (npm ci, then npm run build)");
}
