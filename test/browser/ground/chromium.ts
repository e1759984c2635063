// A real Chromium, and one page in it. Whatever the page says on its console as an error, throws, or asks another host for is
// kept: a test ends with `expect(page.faults).toEqual([])`.

import { accessSync, constants } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { chromium } from "playwright-core";
import { afterAll, afterEach, describe } from "vitest";

/** Found by CHROMIUM_PATH, then on PATH. */
export function findChromium(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const folders = (env.PATH ?? "").split(delimiter);
  const places = env.CHROMIUM_PATH ? [env.CHROMIUM_PATH] : names.flatMap((name) => folders.map((at) => join(at, name)));
  return places.find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not a program.
    return false;
  }
}

/** A `describe` that is left out, loudly, on a machine without Chromium, unless TROUPE_CHROMIUM=require. */
export function describeInBrowser(name: string, tests: () => void): void {
  const isThere = findChromium() !== undefined;
  if (!isThere && process.env.TROUPE_CHROMIUM === "require")
    throw new Error("TROUPE_CHROMIUM=require, and there is no chromium: install one, or name it by CHROMIUM_PATH");
  if (!isThere) console.error(`NO CHROMIUM: "${name}" is not tested. Install one, or name it by CHROMIUM_PATH`);
  describe.skipIf(!isThere)(name, tests);
}

const flags = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync"],
];

export interface Look {
  /** Default 1280 by 900. */
  readonly size?: { readonly width: number; readonly height: number };
  /** Default light. */
  readonly colors?: "light" | "dark";
  /** Default: motion. */
  readonly lessMotion?: boolean;
}

export const phone = { width: 360, height: 740 };

export interface WatchedPage {
  readonly page: Page;
  /** Errors on the console, errors that nobody caught, requests to elsewhere. */
  readonly faults: string[];
}

export interface Browser extends AsyncDisposable {
  /** A page with a storage of its own. What is below /api may be away for a while: that is no fault. */
  open(url: string, look?: Look): Promise<WatchedPage>;
  closePages(): Promise<void>;
}

export async function openBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error("there is no chromium");
  const browser = await chromium.launch({ executablePath, headless: true, args: flags, env: quietEnv() });
  const contexts: BrowserContext[] = [];
  const closePages = async () => {
    for (const context of contexts.splice(0)) await context.close();
  };
  return {
    closePages,
    open: async (url, { size = { width: 1280, height: 900 }, colors = "light", lessMotion = false } = {}) => {
      const reducedMotion = lessMotion ? "reduce" : "no-preference";
      const context = await browser.newContext({ viewport: size, colorScheme: colors, reducedMotion });
      contexts.push(context);
      context.setDefaultTimeout(20_000);
      const page = await context.newPage();
      const faults: string[] = [];
      watch(page, new URL(url).origin, faults);
      await page.goto(url);
      return { page, faults };
    },
    [Symbol.asyncDispose]: async () => {
      await closePages();
      await browser.close();
    },
  };
}

const quietEnv = (): Record<string, string> => ({ ...(process.env as Record<string, string>), HOME: tmpdir() });

/** Chromium itself writes a line when a request fails. The page has to live with a server that is away, and that refuses below /api. */
const awayForm = /net::ERR_/;
const refusedForm = /status of (?:401|404|409|503|504)/;

function watch(page: Page, origin: string, faults: string[]): void {
  page.on("console", (message) => {
    const text = message.text();
    const isOfApi = message.location().url.startsWith(`${origin}/api/`);
    if (message.type() !== "error" || awayForm.test(text) || (isOfApi && refusedForm.test(text))) return;
    faults.push(`console: ${text} ${message.location().url}`);
  });
  page.on("pageerror", (error) => faults.push(`thrown: ${error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith("blob:")) faults.push(`asked ${request.url()}`);
  });
}

/** One browser for all tests of a file. The pages of a test are closed after it: they would go on asking, and take the others' time. */
export function sharedBrowser(): () => Promise<Browser> {
  let opened: Promise<Browser> | undefined;
  afterEach(async () => {
    const browser = await opened;
    await browser?.closePages();
  });
  afterAll(async () => {
    const browser = await opened;
    await browser?.[Symbol.asyncDispose]();
  });
  return () => {
    opened ??= openBrowser();
    return opened;
  };
}
