// NATS goes and comes back while each view is looked at: what is shown is marked as old and stays, whoever goes on looking is told what
// cannot be read, and all of it is live again without anybody doing anything.

import { once } from "node:events";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { triage } from "../../examples/incident-triage/triage.ts";
import { Tally } from "./ground/actors.ts";
import { describeInBrowser, sharedBrowser } from "./ground/chromium.ts";
import type { Ground } from "./ground/ground.ts";
import { openGround } from "./ground/ground.ts";
import { fillMemory, startWaitingRun } from "./ground/scene.ts";
import { untilSeen } from "./ground/steady-load.ts";

/** Longer than a lease, than a page waits for a word, and than any attempt to connect again. Unit: ms. */
const longMs = 30_000;

describeInBrowser("a NATS server that goes and comes back", () => {
  const browser = sharedBrowser();
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround({ workers: 1 });
    for (const note of ["first", "second", "third"]) await tally("open").ask.add({ by: 1, note });
    await tally("dead").tell.fail("no such product");
    await Promise.all([startWaitingRun(ground.troupe, "w-open"), fillMemory(ground.troupe, "anna", 10)]);
  });
  afterAll(() => ground?.[Symbol.asyncDispose]());

  const tally = (id: string) => ground.troupe.actor(Tally, id);
  const memory = () => ground.troupe.memory();
  /** The test's own connection, and the worker, are back a little before the page is live or after it. */
  const served = () => tally("served").ask.total(undefined, { timeoutMs: 20_000 });
  const open = async (path: string) => (await browser()).open(`${ground.url}${path}#token=${ground.token}`);
  const stale = (page: Page) => page.locator('[data-banner="stale"]', { hasText: "Stale since" }).waitFor();
  const live = (page: Page) => page.locator("[data-banner]").waitFor({ state: "detached" });
  const isStanding = async (page: Page, word: string) => {
    await page.locator(".header").getByText(word, { exact: true }).waitFor();
  };

  test("an actor's past: its slider goes on through what was read, its mailbox says why it cannot be read and comes by itself", async () => {
    const { page, faults } = await open("/actors/tally/open/history");
    const diff = page.getByRole("list", { name: /Changes of revision/ });
    await diff.getByText('"third"').waitFor();
    await ground.server.stop();
    await stale(page);
    await isStanding(page, "Stale");
    await page.getByRole("slider", { name: "Revision" }).focus();
    await page.keyboard.press("ArrowLeft");
    await diff.getByText('"second"').waitFor();
    await page.keyboard.press("End");
    await page.getByRole("link", { name: "Mailbox" }).click();
    await page.getByText("SERVER_UNREACHABLE").waitFor();
    await ground.server.restart();
    await live(page);
    await page.getByText("Nothing waits").waitFor();
    expect(await page.getByText("SERVER_UNREACHABLE").count()).toBe(0);
    await page.getByRole("link", { name: "History" }).click();
    await diff.getByText('"third"').waitFor();
    await served();
    await tally("open").ask.add({ by: 1, note: "fourth" });
    await diff.getByText('"fourth"').waitFor();
    expect(faults).toEqual([]);
  });

  test("an actor that is opened meanwhile is read as soon as NATS is back", async () => {
    const { page, faults } = await open("/actors");
    await page.getByText("tally/open").waitFor();
    await ground.server.stop();
    await stale(page);
    await page.getByText("tally/open").click();
    await page.getByText("SERVER_UNREACHABLE").waitFor();
    await ground.server.restart();
    await live(page);
    await page.getByRole("region", { name: "State", exact: true }).getByText("last:").waitFor();
    expect(await page.getByText("SERVER_UNREACHABLE").count()).toBe(0);
    expect(faults).toEqual([]);
  });

  test("an open run keeps its graph, and shows what changes afterwards", async () => {
    const { page, faults } = await open("/workflows/triage/w-open");
    await page.getByRole("heading", { name: "Waits for somebody" }).waitFor();
    await ground.server.stop();
    await stale(page);
    expect(await page.locator("svg.graph .graph-node").count()).toBeGreaterThan(10);
    await page.getByRole("heading", { name: "Waits for somebody" }).waitFor();
    await ground.server.restart();
    await live(page);
    await served();
    await ground.troupe.actor(triage.run, "w-open").ask.pause();
    await page.locator(".run-head").getByText("paused").waitFor();
    expect(faults).toEqual([]);
  });

  test("a memory keeps its facts and its log, says that it cannot recall, and shows what is written afterwards", async () => {
    const { page, faults } = await open("/memory/user.anna");
    await page.getByText("line 9:").waitFor();
    await page.getByText("Tromsø").waitFor();
    await ground.server.stop();
    await stale(page);
    await page.getByRole("button", { name: "history of city" }).click();
    await page.getByText("SERVER_UNREACHABLE").first().waitFor();
    await page.getByText("line 9:").waitFor();
    await page.getByText("Tromsø").waitFor();
    await ground.server.restart();
    await live(page);
    await page.getByText("3 versions kept").waitFor();
    await served();
    await (await memory()).log({ user: "anna" }).append({ text: "said afterwards", speaker: "Anna" });
    await page.getByText("said afterwards").waitFor();
    await expect.poll(() => page.getByText("SERVER_UNREACHABLE").count(), patience).toBe(0);
    expect(faults).toEqual([]);
  });

  test("the feed goes on, and so do the dead letters", async () => {
    const feed = await open("/messages?type=tally");
    const dead = await open("/messages/dead");
    await heard(feed.page, "before");
    await dead.page.getByRole("heading", { name: /^\d+ dead letter/ }).waitFor();
    const before = await dead.page.locator(".dead").count();
    await ground.server.stop();
    await Promise.all([stale(feed.page), stale(dead.page)]);
    expect(await dead.page.locator(".dead").count()).toBe(before);
    expect(await rowsOf(feed.page, "before").count()).toBeGreaterThan(0);
    await ground.server.restart();
    await Promise.all([live(feed.page), live(dead.page)]);
    await heard(feed.page, "afterwards");
    await tally("dead").tell.fail("again");
    await expect.poll(() => dead.page.locator(".dead").count(), patience).toBe(before + 1);
    await expect.poll(() => dead.page.getByText("SERVER_UNREACHABLE").count(), patience).toBe(0);
    expect([...feed.faults, ...dead.faults]).toEqual([]);
  });

  test("away for half a minute, with every view open: all are stale all the while, and live again", async () => {
    const paths = ["/", "/actors", "/actors/tally/open", "/workflows/triage/w-open", "/memory", "/messages"];
    const opened = await Promise.all(paths.map(open));
    const pages = opened.map(({ page }) => page);
    await Promise.all(pages.map((page) => page.locator(".header .standing").waitFor()));
    await Promise.all(pages.map(live));
    await ground.server.stop();
    await Promise.all(pages.map(stale));
    await once(AbortSignal.timeout(longMs), "abort");
    for (const page of pages) expect(await page.locator('[data-banner="stale"]').count(), page.url()).toBe(1);
    await ground.server.restart();
    await Promise.all(pages.map(live));
    const [now, actors, actor, run, memories, messages] = pages as [Page, Page, Page, Page, Page, Page];
    await now.getByText("1 worker serves · 64 of 64 partitions owned").waitFor();
    await tally("open").ask.add({ by: 1, note: "much later" }, { timeoutMs: 20_000 });
    await actor.getByText('"much later"').waitFor();
    await actors.locator("tbody tr", { hasText: "tally/open" }).getByText("much later").waitFor();
    await ground.troupe.actor(triage.run, "w-open").ask.resume();
    await run.locator(".run-head").getByText("running").waitFor();
    await memories
      .getByRole("row", { name: /open|w-open/ })
      .first()
      .waitFor();
    await heard(messages, "much-later");
    for (const { page, faults } of opened) expect(faults, page.url()).toEqual([]);
  });

  const rowsOf = (page: Page, id: string) => page.locator(".feed-row", { hasText: `tally/${id}` });
  /** Asks until the feed shows it: the page's wish has to reach the workers first. */
  const heard = (page: Page, id: string) =>
    untilSeen(rowsOf(page, id).first().waitFor(), () => tally(id).ask.add({ by: 1, note: "heard?" }));
});

const patience = { timeout: 20_000, interval: 200 } as const;
