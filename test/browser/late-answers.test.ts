// What is read may come late, in another order, or not at all: the page never shows for good what was so before.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { triage } from "../../examples/incident-triage/triage.ts";
import type { TroupeClient } from "../../src/runtime/client.ts";
import { Tally } from "./ground/actors.ts";
import { describeInBrowser, sharedBrowser } from "./ground/chromium.ts";
import type { Ground } from "./ground/ground.ts";
import { openGround } from "./ground/ground.ts";
import { keepBack, refuse } from "./ground/late.ts";
import { startWaitingRun } from "./ground/scene.ts";

describeInBrowser("answers that come late", () => {
  const browser = sharedBrowser();
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround({ workers: 1 });
    await Promise.all([
      ...["first", "other"].map((id) => tally(id).ask.add({ by: 1, note: "begun" })),
      ...["w-1", "w-2"].map((id) => startWaitingRun(ground.troupe, id)),
    ]);
    const facts = (await ground.troupe.memory()).facts({ user: "anna" });
    for (let nth = 0; nth < 51; nth += 1) await facts.set(`fact-${nth}`, nth);
  });
  afterAll(() => ground?.[Symbol.asyncDispose]());

  const tally = (id: string) => ground.troupe.actor(Tally, id);
  const run = (id: string) => ground.troupe.actor(triage.run, id);
  const open = async (path: string) => (await browser()).open(`${ground.url}${path}#token=${ground.token}`);
  const heading = (page: Page, name: string) => page.getByRole("heading", { name, exact: true });
  const row = (page: Page, name: string) => page.locator("tbody tr", { hasText: name });

  test("what is typed faster than the page is drawn stays as it was typed", async () => {
    const { page, faults } = await open("/actors");
    await row(page, "first").waitFor();
    expect(await page.evaluate(typeFast("a name that is long enough"))).toBe("a name that is long enough");
    expect(faults).toEqual([]);
  });

  test("a list of runs that comes late says nothing older than what has come live, and announces what began meanwhile", async () => {
    const { page, faults } = await open("/");
    // The list is read again when the stream stands that tells of runs: that is over before one is kept back.
    const streaming = page.waitForResponse((response) => response.url().includes("topics=now%2Cruns"));
    await page.getByRole("link", { name: "Workflows", exact: true }).click();
    await page.getByRole("link", { name: "triage", exact: true }).click();
    await streaming;
    await run("w-1").ask.pause();
    await row(page, "w-1").getByText("paused").waitFor();
    const late = await keepBack(page, /triage\/runs\?.*search=w-/);
    await page.getByRole("searchbox").fill("w-");
    await late.answered;
    await run("w-1").ask.resume();
    await row(page, "w-1").getByText("paused").waitFor({ state: "detached" });
    await startWaitingRun(ground.troupe, "w-3");
    const announced = page.getByRole("button", { name: "Show 1 new" });
    await announced.waitFor();
    late.release();
    await heading(page, "2 runs").waitFor();
    expect(await row(page, "w-1").textContent()).not.toContain("paused");
    await announced.click();
    await row(page, "w-3").waitFor();
    expect(faults).toEqual([]);
  });

  test("the heading of a list and its rows are of the same answer", async () => {
    const { page } = await open("/workflows/triage");
    await row(page, "w-2").waitFor();
    await page.evaluate(noteRowsWhenHeadingSays("1 run"));
    await page.getByRole("searchbox").fill("w-2");
    await heading(page, "1 run").waitFor();
    expect(await page.evaluate("window.rowsThen")).toBe(1);
  });

  test("an actor that changes while the list with it is on its way is shown as it is now", async () => {
    const { page, faults } = await open("/actors?search=first");
    await row(page, "first").waitFor();
    const late = await keepBack(page, /api\/actors\?.*search=other.*limit=50/);
    await page.getByRole("searchbox").fill("other");
    await late.answered;
    await tally("other").ask.add({ by: 1, note: "changed meanwhile" });
    await page.locator("button:enabled", { hasText: "Show latest" }).waitFor();
    late.release();
    await row(page, "other").getByText("changed meanwhile").waitFor();
    expect(faults).toEqual([]);
  });

  test("what could not be read for a moment is read again by itself", async () => {
    const { page } = await open("/memory");
    await heading(page, "By kind of scope").waitFor();
    // The one that comes last is asked first: what is read again waits until somebody has seen why.
    const again = await keepBack(page, /api\/memory\/retention/);
    await refuse(page, /api\/memory\/retention/, 503, "SERVER_UNREACHABLE");
    await page.getByRole("link", { name: "Retention" }).click();
    await page.getByText("SERVER_UNREACHABLE").waitFor();
    again.release();
    await page.getByText("No scope has a retention policy").waitFor();
    expect(await page.getByText("SERVER_UNREACHABLE").count()).toBe(0);
  });

  test("a revision that is no longer kept is said to be gone: no other stands in its place", async () => {
    const much = Array.from({ length: 20_000 }, (_, nth) => `a line, ${nth}`);
    const commit = (last: string) => {
      const text = `{"state":${JSON.stringify({ count: 1, last, much })},"sent":1,"schema":1,"epoch":1,"commit":"c-1"}`;
      return (ground.troupe as TroupeClient).ports.state.put("tally.large", Buffer.from(text));
    };
    await commit("before");
    const { page } = await open("/actors/tally/large");
    await page.getByRole("button", { name: "Read it" }).click();
    await page.getByText('"before"').waitFor();
    const revision = await commit("afterwards");
    await refuse(page, /\/value\?revision/, 404, "NOT_FOUND");
    await page.getByRole("button", { name: `Read revision ${revision}` }).click();
    await page.getByText("NOT_FOUND").waitFor();
    expect(await page.getByText('"before"').count()).toBe(0);
  });

  test("a page of facts is turned once, however often the button is pressed before it is there", async () => {
    const { page, faults } = await open("/memory/user.anna");
    const next = page.getByRole("navigation", { name: "Pages of facts" }).getByRole("button", { name: "Next" });
    await next.waitFor();
    const late = await keepBack(page, /memory\/facts\?.*cursor=/);
    await next.click();
    await late.answered;
    await next.click();
    late.release();
    await page.locator(".facts-list li").nth(1).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Previous" }).click();
    await page.locator(".facts-list li").nth(49).waitFor();
    expect(faults).toEqual([]);
  });

  test("whoever asks the memory of an actor is not interrupted by a scope that is new", async () => {
    const { page, faults } = await open("/actors/tally/first");
    await heading(page, "first").waitFor();
    const scopes = ["user.anna"];
    await page.route(/\/scopes$/, (route) => route.fulfill({ json: { scopes } }));
    // The name stands there before the tabs do, and the header leads to a Memory too.
    const tabs = page.getByRole("navigation", { name: "Of this actor" });
    await tabs.getByRole("link", { name: "Memory" }).click();
    const box = page.getByRole("searchbox", { name: "What to recall" });
    await box.fill("half a quest");
    scopes.unshift("agent.tally.first");
    await page.getByRole("link", { name: "agent tally/first" }).waitFor();
    expect(await box.inputValue()).toBe("half a quest");
    expect(faults).toEqual([]);
  });
});

/** Letter by letter, without a frame between them. */
const typeFast = (text: string) => `(async () => {
  const box = document.querySelector("input[type=search]");
  box.focus();
  for (const letter of ${JSON.stringify(text)}) {
    box.value += letter;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    for (let turn = 0; turn < 20; turn += 1) await null;
  }
  return box.value;
})()`;

/** As many as there are in the very moment in which the heading changes. */
const noteRowsWhenHeadingSays = (text: string) => `{
  const heading = document.querySelector("main h2");
  new MutationObserver((_, watching) => {
    if (heading.textContent !== ${JSON.stringify(text)}) return;
    window.rowsThen = document.querySelectorAll("tbody tr").length;
    watching.disconnect();
  }).observe(heading, { characterData: true, childList: true, subtree: true });
}`;
