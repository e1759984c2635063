// Pictures of every view of a real run, to be looked at: `npm run pictures [-- FOLDER]`, by default into .troupe/pictures. In light, in dark,
// and on a phone. With `-- --readme` only docs/images/dashboard.png, the one that README shows.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import type { Browser, Look } from "./ground/chromium.ts";
import { openBrowser, phone } from "./ground/chromium.ts";
import type { Ground } from "./ground/ground.ts";
import { openGround } from "./ground/ground.ts";

interface Picture {
  readonly name: string;
  readonly path: string;
  /** What has to be there before it is taken. */
  readonly ready: (page: Page) => Promise<unknown>;
}

const heading = (name: string | RegExp) => (page: Page) => page.getByRole("heading", { name }).first().waitFor();

const pictures: readonly Picture[] = [
  { name: "now", path: "/", ready: (page) => page.getByText("workers serve").waitFor() },
  { name: "actors", path: "/actors", ready: (page) => page.locator("tbody tr").nth(30).waitFor() },
  { name: "actors-found", path: "/actors?type=customer&search=c-11", ready: heading(/ of /) },
  { name: "actor-state", path: "/actors/customer/c-11404", ready: heading("State") },
  { name: "actor-history", path: "/actors/tally/t7/history", ready: heading("State then") },
  { name: "actor-mailbox", path: "/actors/tally/t7/mailbox", ready: heading(/Mailbox|waiting/) },
  { name: "actor-memory", path: "/actors/customer/c-11404/memory", ready: heading("c-11404") },
  { name: "workflows", path: "/workflows", ready: heading("Workflows") },
  { name: "memory", path: "/memory", ready: heading("Memory") },
  { name: "messages", path: "/messages", ready: heading("Messages") },
  { name: "messages-dead", path: "/messages/dead", ready: heading("Messages") },
];

const looks: Readonly<Record<string, Look>> = {
  light: { colors: "light" },
  dark: { colors: "dark" },
  phone: { size: phone, colors: "light" },
};

/** So long it runs before anything is looked at, so that the charts show something. Unit: ms. */
const runMs = 180_000;

const [folder = join(".troupe", "pictures")] = process.argv.slice(2);
await using ground = await openGround({ workers: 3 });
await using browser = await openBrowser();
await ground.startTraffic();
if (folder === "--readme") await takeForReadme(browser, ground);
else await takeAll(browser, ground, folder);

async function takeAll(from: Browser, { link, url, token }: Ground, into: string): Promise<void> {
  await mkdir(into, { recursive: true });
  await seen(from, link, 20_000);
  for (const [look, options] of Object.entries(looks)) {
    for (const { name, path, ready } of pictures) {
      const { page, faults } = await from.open(`${url}${path}#token=${token}`, options);
      await ready(page);
      await page.screenshot({ path: join(into, `${name}-${look}.png`), fullPage: true });
      for (const fault of faults) console.error(`${name}, ${look}: ${fault}`);
      await page.context().close();
    }
  }
  console.log(`${into}: ${pictures.length} views in ${Object.keys(looks).length} looks`);
}

async function takeForReadme(from: Browser, { link }: Ground): Promise<void> {
  await mkdir(join("docs", "images"), { recursive: true });
  const page = await seen(from, link, runMs);
  await page.screenshot({ path: join("docs", "images", "dashboard.png"), fullPage: true });
}

/** The view Now after so much time. */
async function seen(from: Browser, link: string, forMs: number): Promise<Page> {
  const { page } = await from.open(link);
  await page.waitForTimeout(forMs);
  return page;
}
