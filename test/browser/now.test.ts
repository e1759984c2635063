// The view Now against the truth: what this test has done, and what the server says. The cluster is real, and so is what happens to it.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PastView, Second } from "../../src/monitoring/dashboard/api/now.ts";
import { Tally } from "./ground/actors.ts";
import { describeInBrowser, sharedBrowser } from "./ground/chromium.ts";
import { openGate } from "./ground/gate.ts";
import type { Ground } from "./ground/ground.ts";
import { openGround } from "./ground/ground.ts";
import { expectGoodLooks } from "./ground/looks.ts";
import { eachTick, untilSeen } from "./ground/steady-load.ts";

describeInBrowser("the view Now", () => {
  const browser = sharedBrowser();
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround({ workers: 2 });
  });
  afterAll(() => ground?.[Symbol.asyncDispose]());

  const open = async () => (await browser()).open(ground.link);
  const verdict = (page: Page) => page.getByRole("heading", { level: 1 });
  const facts = (page: Page) => page.locator(".verdict-facts");
  const rowOf = (page: Page, name: string) =>
    page.getByRole("region", { name: "Workers" }).locator("tbody tr", { hasText: name });
  const past = async () => (await (await fetch(`${ground.url}/api/now/past`)).json()) as PastView;
  const now = async () => (await past()).seconds.at(-1)?.atMs ?? 0;

  test("says in one line that all is well, who works and who owns what", async () => {
    const { page, faults } = await open();
    await verdict(page).getByText("All is well").waitFor();
    await facts(page).getByText("2 workers serve · 64 of 64 partitions owned · nothing waits").waitFor();
    for (const { name, pid } of ground.workers) {
      await rowOf(page, name).getByText("serves").waitFor();
      await rowOf(page, name).getByText(String(pid), { exact: true }).waitFor();
    }
    // While the second worker still gets its share, one has no owner for a moment.
    const owned = async () => {
      const ofWorkers = await page.locator("tbody tr td:nth-child(8)").allTextContents();
      return {
        cells: await page.locator(".cell").count(),
        unowned: await page.locator(".cell.is-unowned").count(),
        ofWorkers: ofWorkers.map(Number).reduce((sum, one) => sum + one, 0),
      };
    };
    await expect.poll(owned, patience).toEqual({ cells: 64, unowned: 0, ofWorkers: 64 });
    expect(faults).toEqual([]);
  });

  test("its figures are those of the server, and these are the turns that there were", async () => {
    const { page, faults } = await open();
    const beganMs = await now();
    const tally = (nth: number) => ground.troupe.actor(Tally, `n${nth % 10}`);
    // Long beside the part of a second by which the first and the last of it may be off.
    const ticks = 300;
    await eachTick(ticks, (tick) => [
      ...[1, 2, 3, 4, 5].map((nth) => tally(tick + nth).ask.add({ by: 1, note: "asked" })),
      ...[6, 7].map((nth) => tally(tick + nth).tell.add({ by: 1, note: "told" })),
      tally(tick).ask.total(),
    ]);
    const truth = [5 * ticks, 2 * ticks, ticks];
    // Rates are those of the workers' seconds, which are not quite the dashboard's: of a steady load the sum is right all the same.
    await expect
      .poll(async () => {
        const seconds = (await past()).seconds.filter(({ atMs }) => atMs >= beganMs);
        const sums = [(s: Second) => s.asksPerS, (s: Second) => s.tellsPerS, (s: Second) => s.queriesPerS].map((of) =>
          sumOf(seconds, of),
        );
        return sums.map((sum, nth) => Math.abs(sum / (truth[nth] ?? 0) - 1) < 0.1);
      }, patience)
      .toEqual([true, true, true]);

    // The same second, on the page and from the server.
    const seen = await page.evaluate<{ at: string; commits: string }>(
      `({ at: document.querySelector(".charts").dataset.at, commits: document.querySelector('[data-figure="Commits"]').textContent })`,
    );
    const second = (await past()).seconds.find(({ atMs }) => atMs === Number(seen.at));
    // It is shown rounded, a half too.
    expect(Math.abs(Number.parseFloat(seen.commits) - (second?.commitsPerS ?? Number.NaN))).toBeLessThan(1);
    expect(faults).toEqual([]);
  });

  test("what waits is counted, on its partition too, and what could not be handled is said with what to do", async () => {
    const { page, faults } = await open();
    const slow = ground.troupe.actor(Tally, "slow");
    await using gate = await openGate();
    await slow.tell.hold(gate.port);
    for (let nth = 0; nth < 25; nth += 1) await slow.tell.add({ by: 1, note: "waits" });
    await facts(page).getByText("26 waiting").waitFor();
    expect(await page.locator(".cell.has-lag").allTextContents()).toEqual([expect.stringMatching(/^[A-Z]26$/)]);
    gate.release();
    // Its turn was given up on, the others had theirs.
    await facts(page).getByText("nothing waits").waitFor();
    expect((await slow.get())?.state.count).toBe(25);
    const trouble = page.locator(".troubles li", { hasText: "1 message could not be handled" });
    await trouble.getByText("troupe dead").first().waitFor();
    await trouble.getByRole("link").click();
    await page.waitForURL("**/messages/dead");
    expect(faults).toEqual([]);
  });

  test("a worker that is killed is missed, and its partitions are seen to find a new owner", async () => {
    const { page, faults } = await open();
    const third = await ground.addWorker();
    await rowOf(page, third.name).getByText("serves").waitFor();
    await expect.poll(() => rowOf(page, third.name).locator("td:nth-child(8)").textContent(), patience).not.toBe("0");
    await third.kill9();
    const missed = page.locator(".troubles li", { hasText: `The worker ${third.name} ` });
    await rowOf(page, third.name).getByText("silent").or(missed).first().waitFor();
    await facts(page).getByText("2 workers serve · 64 of 64 partitions owned").waitFor();
    await expect.poll(() => page.locator(".cell.is-unowned").count(), patience).toBe(0);
    await rowOf(page, third.name).waitFor({ state: "detached" });
    expect(faults).toEqual([]);
  });

  test("a worker is drained by a button, after a question, and is not missed", async () => {
    const { page, faults } = await open();
    const { name } = await ground.addWorker();
    const drain = page.getByRole("button", { name: `Drain ${name}`, exact: true });
    await drain.click();
    await page.getByRole("button", { name: "Not now" }).click();
    await rowOf(page, name).getByText("serves").waitFor();
    await drain.click();
    await page.getByText("2 other workers take over").waitFor();
    await page
      .getByRole("dialog")
      .getByRole("button", { name: `Drain ${name}` })
      .click();
    await rowOf(page, name).waitFor({ state: "detached" });
    await facts(page).getByText("2 workers serve · 64 of 64 partitions owned").waitFor();
    expect(await page.getByText(`The worker ${name} went`).count()).toBe(0);
    expect(faults).toEqual([]);
  });

  test("while NATS is away it says since when what is shown is old; it is live again by itself", async () => {
    const { page, faults } = await open();
    await facts(page).getByText("2 workers serve").waitFor();
    await ground.server.stop();
    await page.locator('[data-banner="stale"]', { hasText: "Stale since" }).waitFor();
    await verdict(page).getByText("this is how it stood").waitFor();
    await facts(page).getByText("2 workers serve").waitFor();
    await ground.server.restart();
    await page.locator("[data-banner]").waitFor({ state: "detached" });
    await facts(page).getByText("2 workers serve · 64 of 64 partitions owned").waitFor();
    // What is busy is shown for a second: it goes on until somebody has seen it.
    const busy = page.getByRole("region", { name: "Busiest methods" }).getByText("add ask");
    await untilSeen(busy.waitFor(), () => ground.troupe.actor(Tally, "n1").ask.add({ by: 1, note: "again" }));
    expect(faults).toEqual([]);
  });

  test("while the dashboard itself is away the page says so, keeps what it shows, and comes back", async () => {
    const { page, faults } = await open();
    await facts(page).getByText("2 workers serve").waitFor();
    await ground.stopDashboard();
    await page.locator('[data-banner="lost"]', { hasText: "Stale since" }).waitFor();
    await facts(page).getByText("2 workers serve").waitFor();
    await ground.startDashboard();
    await page.locator("[data-banner]").waitFor({ state: "detached" });
    expect(faults).toEqual([]);
  });

  test("can be read by everybody, in light and dark and on a phone", async () => {
    await expectGoodLooks(await browser(), ground.link, (page) => facts(page).getByText("2 workers serve").waitFor());
  });

  test("the partition map is walked by arrow keys, and says in words what a cell shows", async () => {
    const { page } = await open();
    const cells = page.locator(".cell");
    await cells.nth(63).waitFor();
    await cells.first().focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowRight");
    await page.getByText(/^Partition 17: owned by w\d, epoch \d+, nothing waits$/).waitFor();
    expect(await page.evaluate("document.activeElement.textContent")).toBe(await cells.nth(17).textContent());
    expect(await page.locator('.cell[tabindex="0"]').count()).toBe(1);
  });
});

/** What a rate has added up to: each second with the time since the one before it. */
function sumOf(seconds: readonly Second[], of: (second: Second) => number | null): number {
  return seconds.reduce((sum, second, at) => {
    const before = seconds[at - 1];
    return before === undefined ? sum : sum + ((of(second) ?? 0) * (second.atMs - before.atMs)) / 1_000;
  }, 0);
}

const patience = { timeout: 20_000, interval: 200 } as const;
