// The view Memory against the truth: what the memory itself says, and the streams on the server.

import { afterAll, beforeAll, expect, test } from "vitest";
import { Diary } from "../support/dashboard-actors.ts";
import { Prize, Tally, thePrize } from "./ground/actors.ts";
import { describeInBrowser, sharedBrowser } from "./ground/chromium.ts";
import type { Ground } from "./ground/ground.ts";
import { openGround } from "./ground/ground.ts";
import { expectGoodLooks } from "./ground/looks.ts";
import { fillHostile, fillMemory, hostile, longLine, strive } from "./ground/scene.ts";

const entries = 75;

describeInBrowser("the view Memory", () => {
  const browser = sharedBrowser();
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround({ workers: 2 });
    await fillMemory(ground.troupe, "anna", entries);
    await fillHostile(ground.troupe);
  });
  afterAll(async () => {
    await ground?.[Symbol.asyncDispose]();
  });

  const open = async (path: string) => (await browser()).open(`${ground.url}${path}#token=${ground.token}`);

  /** The monitor watches a bucket a little after it was made: what was written before is no write that it has seen. */
  async function whileStriving(seen: () => Promise<unknown>): Promise<void> {
    let isSeen = false;
    const done = seen().finally(() => {
      isSeen = true;
    });
    while (!isSeen) await strive(ground.troupe, 24, 2);
    await done;
  }

  test("counts scopes, entries and facts by kind, names the hottest key and what was fought for, and every stream", async () => {
    const { page, faults } = await open("/memory");
    // Anna and the hostile one: 75 and 2 entries, 2 and 1 facts.
    await page.getByRole("row", { name: `user 2 ${entries + 2} 3` }).waitFor();
    const hottest = page.getByRole("row", { name: /^prize the-only-one central [1-9]/ });
    const lost = page.getByRole("row", { name: /^central prize [1-9]/ });
    await whileStriving(() => Promise.all([hottest.waitFor(), lost.waitFor()]));
    const writes = Number((await hottest.locator("td").nth(2).textContent())?.replace(",", ""));
    const { claims } = (await (await ground.troupe.states()).of(Prize).get(thePrize))?.data ?? { claims: 0 };
    expect(writes).toBeLessThanOrEqual(claims + 1);
    // They are looked at each 5 s; one that has just been made comes with the next look.
    for (const role of ["state", "memory", "facts", "mail", "central", "cluster", "dead"]) {
      await page
        .locator(".stream-name", { hasText: new RegExp(`^${role}`) })
        .first()
        .waitFor();
    }
    expect(faults).toEqual([]);
  });

  test("finds a scope by its name, and leads to it", async () => {
    const { page, faults } = await open("/memory?tab=scopes");
    await page.getByRole("heading", { name: "2 scopes" }).waitFor();
    await page.getByRole("searchbox").fill("anna");
    await page.getByRole("heading", { name: "1 scope", exact: true }).waitFor();
    await page.getByRole("link", { name: "user anna" }).click();
    await page.getByRole("heading", { name: "user anna" }).waitFor();
    expect(faults).toEqual([]);
  });

  test("an actor's memory is all that it is known to remember, under the names that people use", async () => {
    const diary = ground.troupe.actor(Diary, "ann@example.org");
    await diary.ask.whisper("not for everybody");
    await diary.ask.note("the boiler was mended");
    await diary.ask.note("the boiler leaks again");
    await diary.ask.leafThrough();
    const { page, faults } = await open("/actors/diary/ann%40example.org/memory");
    await page.getByText("the boiler leaks again").waitFor();
    const ways = page.getByRole("navigation", { name: "Where it remembers" });
    await ways.getByRole("link", { name: "user ann@example.org, session secret" }).click();
    await page.getByText("not for everybody").waitFor();
    await page.goto(`${ground.url}/memory?tab=scopes&search=ann%40ex`);
    // The monitor hears of a scope a little after it was written.
    const found = page.getByRole("link", { name: "user ann@example.org", exact: true });
    const readAgain = async () => {
      await page.getByRole("button", { name: "Read again" }).click();
      return found.count();
    };
    await expect.poll(readAgain, { timeout: 20_000, interval: 500 }).toBe(1);
    expect(faults).toEqual([]);
  });

  test("the log is read backwards to its beginning, each entry once", async () => {
    const { page, faults } = await open("/memory/user.anna");
    const seen: string[] = [];
    const older = page.getByRole("button", { name: "Older" });
    for (const shown of [30, 30, 15]) {
      const first = entries - seen.length - 1;
      await page
        .locator(".entry")
        .last()
        .getByText(first === 7 ? "teapot" : `line ${first}:`)
        .waitFor();
      const texts = await page.locator(".entry-text").allTextContents();
      expect(texts.length).toBe(shown);
      seen.unshift(...texts);
      if (seen.length < entries) await older.click();
    }
    expect(await older.isDisabled()).toBe(true);
    const truth = await (await ground.troupe.memory()).log({ user: "anna" }).read().toArray();
    expect(seen).toEqual(truth.map(({ text }) => text));
    expect(faults).toEqual([]);
  });

  test("a fact shows its past with what each version has changed, and a new value by itself", async () => {
    const { page, faults } = await open("/memory/user.anna");
    await page.getByRole("button", { name: "history of city" }).click();
    await page.getByText("3 versions kept").waitFor();
    const latest = page.locator(".fact-history li").first();
    expect(await latest.locator(".diff li").count()).toBe(2);
    expect(await latest.locator("del").first().textContent()).toBe('"Oslo"');
    expect(await latest.locator("ins").first().textContent()).toBe('"Tromsø"');
    await (await ground.troupe.memory()).facts({ user: "anna" }).set("city", { name: "Hamar", since: 6 });
    await page.getByText("4 versions kept").waitFor();
    await page.getByRole("region", { name: "fact city" }).getByText("Hamar").waitFor();
    expect(faults).toEqual([]);
  });

  test("recall finds what its agent would find, best first, and says of each hit why, by keyboard alone", async () => {
    const { page, faults } = await open("/memory/user.anna");
    const query = "refund for the teapot";
    await page.getByRole("searchbox", { name: "What to recall" }).focus();
    await page.keyboard.type(query);
    await page.keyboard.press("Enter");
    await page.locator(".hit").first().waitFor();
    const { hits } = await (await ground.troupe.memory()).recall(query, { scopes: { user: "anna" } });
    expect(await page.locator(".hit .entry-text").allTextContents()).toEqual(hits.map(({ document }) => document.text));
    const why = hits[0]?.why.matched.map(({ word, score }) => `${word} +${score.toFixed(2)}`) ?? [];
    expect(why.length).toBeGreaterThan(0);
    expect(await page.locator(".hit").first().locator(".why-word").allTextContents()).toEqual(why);
    expect(faults).toEqual([]);
  });

  test("without a policy the retention plan says that there is none; with one, what goes and why", async () => {
    const { page, faults } = await open("/memory?tab=retention");
    await page.getByText("No scope has a retention policy").waitFor();
    await (await ground.troupe.memory()).setRetention({ user: "anna" }, { entriesMax: 60 });
    await page.getByRole("button", { name: "Plan again" }).click();
    await page.getByRole("row", { name: /user\.anna 15 .*15 beyond the last 60/ }).waitFor();
    expect(faults).toEqual([]);
  });

  test("a hostile scope, entry and fact are text and nothing else, 100 kB lines break nothing, and everybody can use it", async () => {
    const scopes = await (await fetch(`${ground.url}/api/memory/scopes`)).json();
    const scope =
      (scopes as { rows: { scope: string }[] }).rows
        .map((row) => row.scope)
        .find((text) => text.includes("=3Cscript")) ?? "";
    const shown = await browser();
    await expectGoodLooks(shown, `${ground.url}/memory/${encodeURIComponent(scope)}`, async (page) => {
      await page
        .getByRole("button", { name: `all ${longLine.length.toLocaleString("en")} characters` })
        .first()
        .click();
      expect(await page.locator(".entry-head bdi").first().textContent()).toBe(hostile);
      expect(await page.locator("main img, main script").count()).toBe(0);
      expect(await page.evaluate("window.harmed")).toBeUndefined();
    });
    await expectGoodLooks(shown, `${ground.url}/actors/tally/${encodeURIComponent(hostile)}`, async (page) => {
      await page.getByText("last:").waitFor();
      expect(await page.evaluate("window.harmed")).toBeUndefined();
    });
    for (const [path, name] of [
      ["/memory", "By kind of scope"],
      ["/memory?tab=scopes", "4 scopes"],
      ["/memory?tab=retention", /Retention/],
      ["/memory/user.anna", "Facts"],
    ] as const) {
      await expectGoodLooks(shown, `${ground.url}${path}`, (page) => page.getByRole("heading", { name }).waitFor());
    }
    expect((await ground.troupe.actor(Tally, hostile).get())?.state.last).toBe(longLine);
  });
});
