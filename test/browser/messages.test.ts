// The view Messages against the truth: what the workers did while it looked, and what lies in the stream of dead letters.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Tally } from "./ground/actors.ts";
import { describeInBrowser, sharedBrowser } from "./ground/chromium.ts";
import type { Ground } from "./ground/ground.ts";
import { openGround } from "./ground/ground.ts";
import { expectGoodLooks } from "./ground/looks.ts";
import { hostile } from "./ground/scene.ts";
import { untilSeen } from "./ground/steady-load.ts";

interface DeadPage {
  readonly total: number;
  readonly rows: readonly { readonly sequence: number; readonly id: string | null; readonly reason: string }[];
}

describeInBrowser("the view Messages", () => {
  const browser = sharedBrowser();
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround({ workers: 1 });
    for (let nth = 0; nth < 6; nth += 1) await tally(`d${nth}`).tell.fail(`no such product: ${nth}`);
    await tally(hostile).tell.fail(hostile);
    await untilDead(({ total }) => total === 7);
  });
  afterAll(async () => {
    await ground?.[Symbol.asyncDispose]();
  });

  const tally = (id: string) => ground.troupe.actor(Tally, id);
  const open = async (path: string) => (await browser()).open(`${ground.url}${path}#token=${ground.token}`);
  const dead = async (): Promise<DeadPage> =>
    (await (await fetch(`${ground.url}/api/dead?limit=100`)).json()) as DeadPage;
  const untilDead = (isSo: (page: DeadPage) => boolean) =>
    vi.waitFor(async () => expect(isSo(await dead())).toBe(true), { timeout: 20_000 });
  const send = (path: string) =>
    fetch(`${ground.url}/api/${path}`, { method: "POST", headers: { authorization: `Bearer ${ground.token}` } });
  const rows = (page: Page) => page.locator(".feed-row");

  /** Asks until the page has shown that it hears the feed: its wish has to reach the workers first. */
  const untilHeard = (
    page: Page,
    id: string,
    ask: () => Promise<unknown> = () => tally(id).ask.add({ by: 1, note: "heard?" }),
  ) =>
    untilSeen(
      rows(page)
        .filter({ hasText: `tally/${id}` })
        .first()
        .waitFor(),
      ask,
    );

  test("shows what happens as it happens: which actor, which method, how it ended, and says of what is left out that it is", async () => {
    const { page, faults } = await open("/messages");
    await untilHeard(page, "heard");
    const row = rows(page).filter({ hasText: "tally/heard" }).filter({ hasText: "turn-ended" }).first();
    expect(await row.textContent()).toContain("add ask");
    expect(await row.getByRole("link", { name: "tally/heard" }).getAttribute("href")).toBe("/actors/tally/heard");
    await page.getByText(/Nothing was left out so far|A sample: [\d,]+ more were only counted/).waitFor();
    expect(faults).toEqual([]);
  });

  test("failures come through a filter of level, and what does not match is not shown", async () => {
    const { page, faults } = await open("/messages?level=warn&type=tally");
    await page.getByText("Nothing has come that matches").waitFor();
    // What succeeds is heard beside it.
    await untilHeard(await openedBeside(), "beside");
    await untilHeard(page, "failing", () => tally("failing").ask.fail("heard?"));
    await tally("d9").tell.fail("out of stock");
    await rows(page).filter({ hasText: "tally/d9" }).first().waitFor();
    const levels = await rows(page).evaluateAll((all) => all.map((one) => (one as { className: string }).className));
    expect(levels.every((name) => /level-(?:warn|error)/.test(name))).toBe(true);
    await page.getByRole("searchbox", { name: "Actor, or type/id" }).fill("nobody");
    await page.getByText("Nothing of what came matches").waitFor();
    await untilDead(({ total }) => total === 8);
    expect(faults).toEqual([]);
  });
  const openedBeside = async () => (await open("/messages")).page;

  test("a pause holds the list still and counts what comes; going on shows it", async () => {
    const { page, faults } = await open("/messages?type=tally");
    await untilHeard(page, "p0");
    await page.getByRole("button", { name: "Pause" }).click();
    const goOn = page.getByRole("button", { name: /^Go on \(\d/ });
    await goOn.waitFor();
    const shown = rows(page).locator(".feed-time, .feed-what");
    const before = await shown.allTextContents();
    // What p0 did may still come, and may take the whole share of a moment: only of what matches is it said whose it is.
    const search = page.getByRole("searchbox", { name: "Actor, or type/id" });
    await search.fill("tally/during");
    const said = page.getByText(/Paused: [\d,]+ items? came meanwhile \([1-9][\d,]* of those that are kept match\)/);
    await untilSeen(said.waitFor(), () => tally("during").ask.add({ by: 1, note: "meanwhile" }));
    expect(await rows(page).count()).toBe(0);
    await search.fill("");
    await expect.poll(() => shown.allTextContents()).toEqual(before);
    await goOn.click();
    await rows(page).filter({ hasText: "tally/during" }).first().waitFor();
    expect(faults).toEqual([]);
  });

  test("dead letters are those on the server, newest first, with reason and argument, hostile ones as text", async () => {
    const { page, faults } = await open("/messages/dead");
    const truth = await dead();
    await page.getByRole("heading", { name: `${truth.total} dead letters` }).waitFor();
    expect(await page.locator(".dead .dead-reason").allTextContents()).toEqual(truth.rows.map(({ reason }) => reason));
    // Which of them was given up on first is for the worker to say.
    const { sequence } = truth.rows.find(({ id }) => id === "d4") ?? { sequence: 0 };
    await page.getByRole("button", { name: `Argument of dead letter ${sequence}`, exact: true }).click();
    const argument = page.getByRole("region", { name: `argument of dead letter ${sequence}`, exact: true });
    await argument.getByText('"no such product: 4"').waitFor();
    expect(await page.evaluate("window.harmed")).toBeUndefined();
    await page.getByRole("searchbox", { name: "Type of the actor" }).fill("desk");
    await page.getByText("No dead letter matches").waitFor();
    expect(faults).toEqual([]);
  });

  test("one is dropped after a question; one is sent again, and comes back when its cause still stands", async () => {
    const { page, faults } = await open("/messages/dead");
    await page.getByRole("button", { name: "Drop dead letter 1", exact: true }).click();
    await page.getByRole("button", { name: "Not now" }).click();
    expect((await dead()).rows.some(({ sequence }) => sequence === 1)).toBe(true);
    await page.getByRole("button", { name: "Drop dead letter 1", exact: true }).click();
    await page.getByRole("button", { name: "Drop it" }).click();
    await page.getByText("dead letter 1 is forgotten").waitFor();
    expect((await dead()).rows.some(({ sequence }) => sequence === 1)).toBe(false);
    // Which of them was given up on second is for the worker to say.
    const second = (await dead()).rows.find(({ sequence }) => sequence === 2)?.id;
    await page.getByRole("button", { name: "Replay dead letter 2", exact: true }).click();
    await page.getByRole("button", { name: "Replay it" }).click();
    await page.getByText(/dead letter 2 waits in the mailbox of/).waitFor();
    await untilDead(({ rows: back }) => back[0]?.id === second && back[0]?.sequence !== 2);
    expect(faults).toEqual([]);
  });

  test("all of a filter are sent again, with how far that has got", async () => {
    const { page, faults } = await open("/messages/dead");
    const before = await dead();
    await page.getByRole("button", { name: `Replay all ${before.total} …` }).click();
    await page.getByRole("button", { name: `Replay ${before.total}`, exact: true }).click();
    await page.getByText(`Done: ${before.total} of ${before.total} sent again`).waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    const highest = Math.max(...before.rows.map(({ sequence }) => sequence));
    await untilDead(({ rows: back }) => {
      return back.length === before.total && back.every(({ sequence }) => sequence > highest);
    });
    expect(faults).toEqual([]);
  });

  test("everybody can use it, on a phone and in the dark too", async () => {
    const shown = await browser();
    await expectGoodLooks(shown, `${ground.url}/messages`, (page) => untilHeard(page, "looks"));
    await expectGoodLooks(shown, `${ground.url}/messages/dead`, (page) => page.locator(".dead").first().waitFor());
  });

  test("when all that are sent again succeed, how far it has got is still there to be read", async () => {
    for (const { sequence } of (await dead()).rows) await send(`dead/${sequence}/drop`);
    await tally("late").tell.expect(1);
    await untilDead(({ total }) => total === 1);
    await tally("late").ask.add({ by: 1, note: "now" });
    const { page, faults } = await open("/messages/dead");
    await page.getByRole("button", { name: "Replay it …" }).click();
    await page.getByRole("button", { name: "Replay 1", exact: true }).click();
    await page.getByRole("heading", { name: "0 dead letters" }).waitFor();
    await page.getByText("Done: 1 of 1 sent again").waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    await page.getByText("No message was given up on").waitFor();
    expect(await page.getByRole("button", { name: /^Replay/ }).count()).toBe(0);
    expect(faults).toEqual([]);
  });
});
