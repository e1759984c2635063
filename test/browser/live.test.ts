// The laws of web/src/live/live.ts, each by what the page does.

import type { Page, Request } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Tally } from "./ground/actors.ts";
import { describeInBrowser, sharedBrowser } from "./ground/chromium.ts";
import type { Ground } from "./ground/ground.ts";
import { openGround } from "./ground/ground.ts";

describeInBrowser("the live stream", () => {
  const browser = sharedBrowser();
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround({ workers: 1 });
    await ground.troupe.actor(Tally, "one").ask.add({ by: 1, note: "begun" });
  });
  afterAll(() => ground?.[Symbol.asyncDispose]());

  const open = async (path: string) => (await browser()).open(`${ground.url}${path}#token=${ground.token}`);
  const isLive = (request: Request) => request.url().includes("/api/live");

  test("V1: there is one request at a time, for what is looked at", async () => {
    const { page, faults } = await open("/");
    await page.getByText("1 worker serves").waitFor();
    const opened = new Set<Request>();
    page.on("request", (request) => isLive(request) && opened.add(request));
    for (const event of ["requestfailed", "requestfinished"] as const)
      page.on(event as "requestfailed", (request) => opened.delete(request));
    const topicsOf = () => [...opened].map((request) => new URL(request.url()).search);
    await page.getByRole("link", { name: "Actors" }).click();
    await expect.poll(topicsOf, patience).toEqual(["?topics=changes%2Cnow"]);
    await page.getByText("tally/one").click();
    await expect.poll(topicsOf, patience).toEqual(["?topics=changes%2Cnow&pattern=tally.one"]);
    await page.getByRole("link", { name: "Now" }).click();
    await expect.poll(topicsOf, patience).toEqual(["?topics=now"]);
    expect(faults).toEqual([]);
  });

  test("V6: a page that nobody sees gives its connection back, and asks again when it is seen", async () => {
    await ground.troupe.actor(Tally, "two").ask.add({ by: 1, note: "seen" });
    const { page, faults } = await open("/actors/tally/two");
    await page.locator(".standing").waitFor();
    const given = page.waitForEvent("requestfailed", isLive);
    await page.evaluate(isHidden(true));
    await given;
    await page.getByText("Stale", { exact: true }).waitFor();
    await ground.troupe.actor(Tally, "two").ask.add({ by: 1, note: "unseen" });
    await page.evaluate(isHidden(false));
    await page.getByText('"unseen"').waitFor();
    await page.locator(".standing").waitFor();
    expect(faults).toEqual([]);
  });

  test("V2: a flood is drawn once a frame, and the latest is what is shown", async () => {
    const { page } = await open("/");
    const streaming = page.waitForResponse((response) => response.url().includes("topics=changes"));
    await page.getByRole("link", { name: "Actors" }).click();
    await streaming;
    await page.getByText("tally/one").waitFor();
    await page.evaluate(countFlashesAndFrames);
    // What the server never sends, since it counts and samples: 5,000 events at once.
    const row = { type: "tally", id: "one", changedAtMs: Date.now(), bytes: 1, pendingSends: 0, isStopped: false };
    const event = (nth: number) => {
      const rows = [{ ...row, trace: null, status: null, revision: 1_000_000 + nth, glimpse: `flood ${nth}` }];
      return `event: changes\ndata: ${JSON.stringify({ rows, changed: 1, isSampled: false })}\n\n`;
    };
    const body = Array.from({ length: 5_000 }, (_, nth) => event(nth)).join("");
    await page.route("**/api/live*", (route) => route.fulfill({ contentType: "text/event-stream", body }), {
      times: 1,
    });
    let opened = 0;
    // The flood is one, and ends.
    const openedAgain = page.waitForResponse((response) => {
      if (isLive(response.request())) opened += 1;
      return opened === 2;
    });
    await page.getByRole("combobox", { name: "Type" }).selectOption("tally");
    await page.getByText("flood 4999").waitFor();
    // Of one event each they were 5,000: how many frames it takes is for the machine to say.
    const { flashes, drawn } = await page.evaluate<{ flashes: number; drawn: number }>("({ flashes, drawn })");
    expect(flashes).toBeLessThanOrEqual(drawn);
    // The stream that has ended is opened again by itself.
    await openedAgain;
    await backAgain(page);
  });

  test("V4: who comes back asks for what was missed", async () => {
    const { page, faults } = await open("/actors/tally/one");
    await page.getByText('"begun"').waitFor();
    await ground.stopDashboard();
    await page.locator('[data-banner="lost"]').waitFor();
    await ground.troupe.actor(Tally, "one").ask.add({ by: 1, note: "meanwhile" });
    await page.getByText('"begun"').waitFor();
    await ground.startDashboard();
    await page.getByText('"meanwhile"').waitFor();
    await backAgain(page);
    expect(faults).toEqual([]);
  });

  test("V5: a server that says nothing is taken for lost, and for live when it speaks again", async () => {
    const { page, faults } = await open("/");
    await page.getByText("1 worker serves").waitFor();
    ground.freezeDashboard();
    // Another view asks anew: that is no word of the server.
    await page.getByRole("link", { name: "Actors" }).click();
    await page.locator('[data-banner="lost"]', { hasText: "said nothing" }).waitFor({ timeout: 40_000 });
    ground.thawDashboard();
    await backAgain(page);
    await page.locator(".standing").waitFor();
    expect(faults).toEqual([]);
  });
});

const patience = { timeout: 20_000, interval: 100 } as const;
const countFlashesAndFrames = `{
  window.flashes = 0;
  window.drawn = 1;
  const frame = () => { window.drawn += 1; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  const animate = Element.prototype.animate;
  Element.prototype.animate = function (...of) { window.flashes += of[1]?.id === "flash" ? 1 : 0; return animate.apply(this, of); };
}`;

/** As a browser says it of a tab that is not in front. */
const isHidden = (is: boolean) => `{
  Object.defineProperty(document, "hidden", { value: ${is}, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}`;

const backAgain = (page: Page) => page.locator("[data-banner]").waitFor({ state: "detached" });
