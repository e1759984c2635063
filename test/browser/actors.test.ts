// The view Actors against the truth: what the actors' own values say, and what this test has done to them.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TroupeClient } from "../../src/runtime/client.ts";
import type { OtlpReceiver } from "../support/otlp-receiver.ts";
import { startOtlpReceiver } from "../support/otlp-receiver.ts";
import { Tally } from "./ground/actors.ts";
import { describeInBrowser, sharedBrowser } from "./ground/chromium.ts";
import { openGate } from "./ground/gate.ts";
import type { Ground } from "./ground/ground.ts";
import { openGround } from "./ground/ground.ts";
import { expectGoodLooks } from "./ground/looks.ts";

const actors = 120;
const jaeger = "http://127.0.0.1:16686";

describeInBrowser("the view Actors", () => {
  const browser = sharedBrowser();
  let ground: Ground;
  let collector: OtlpReceiver;
  beforeAll(async () => {
    collector = await startOtlpReceiver();
    ground = await openGround({ workers: 1, worker: ["--otlp", collector.url], dashboard: ["--jaeger", jaeger] });
    const all = Array.from({ length: actors }, (_, nth) => tally(`a${nth}`).ask.add({ by: nth, note: "begun" }));
    await Promise.all([...all, tally("with/slash ü").ask.add({ by: 7, note: "an odd name" })]);
  });
  afterAll(async () => {
    await ground?.[Symbol.asyncDispose]();
    await collector?.[Symbol.asyncDispose]();
  });

  const tally = (id: string) => ground.troupe.actor(Tally, id);
  /** As a worker commits in which nobody traces. */
  const commit = (id: string, state: object) => {
    const text = `{"state":${JSON.stringify(state)},"sent":1,"schema":1,"epoch":1,"commit":"c-1"}`;
    return (ground.troupe as TroupeClient).ports.state.put(`tally.${id}`, Buffer.from(text));
  };
  const open = async (path: string, look = {}) =>
    (await browser()).open(`${ground.url}${path}#token=${ground.token}`, look);
  const totalOf = async () => {
    const page = (await (await fetch(`${ground.url}/api/actors?limit=1`)).json()) as { readonly total: number };
    return page.total;
  };
  const rows = (page: Page) => page.getByRole("table", { name: "Actors" }).locator("tbody tr");
  /** By what it is called: its figure may stand elsewhere too. */
  const fact = (page: Page, name: string) =>
    page.locator(".facts div", { has: page.locator("dt", { hasText: new RegExp(`^${name}$`) }) }).locator("dd");
  const shownOf = (committed: { readonly revision: number } | undefined) =>
    (committed?.revision ?? Number.NaN).toLocaleString("en");
  const heading = (page: Page, name: string | RegExp) => page.getByRole("heading", { name });

  test("lists all there are, page by page, as the server orders them", async () => {
    const truth = await ground.troupe.list(">");
    // The dashboard hears of each a little after the one who asked it.
    await expect.poll(totalOf, { timeout: 20_000 }).toBe(truth.length);
    const { page, faults } = await open("/actors?sort=key");
    await heading(page, `${truth.length} actors`).waitFor();
    const seen: string[] = [];
    const next = page.getByRole("button", { name: "Next" });
    for (;;) {
      const first = seen.length + 1;
      await page.getByText(new RegExp(`^${first} to \\d+ of ${truth.length}$`)).waitFor();
      seen.push(...(await rows(page).locator(".actor-name").allTextContents()));
      if (await next.isDisabled()) break;
      await next.click();
    }
    expect(seen.length).toBe(truth.length);
    expect(new Set(seen).size).toBe(truth.length);
    await page.getByRole("button", { name: "Previous" }).click();
    await page.getByText(new RegExp(`of ${truth.length}$`)).waitFor();
    expect(faults).toEqual([]);
  });

  test("finds what is typed, by type, and leaves the search in the address", async () => {
    const { page, faults } = await open("/actors");
    await page.getByRole("searchbox").fill("a11");
    await page.waitForURL("**/actors?search=a11");
    // a11, a110 to a119
    await heading(page, `11 of ${actors + 1} actors`).waitFor();
    await page.getByRole("combobox", { name: "Type" }).selectOption("tally");
    await heading(page, `11 of ${actors + 1} actors`).waitFor();
    await page.getByRole("searchbox").fill("nobody");
    await page.getByText("No actor matches").waitFor();
    await page.getByRole("combobox", { name: "Only" }).selectOption("stopped");
    expect(new URL(page.url()).search).toBe("?search=nobody&type=tally&only=stopped");
    await page.goBack();
    expect(faults).toEqual([]);
  });

  test("a row lights up when its actor changes, unless less motion is wanted, and shows the new revision", async () => {
    for (const lessMotion of [false, true]) {
      const { page, faults } = await open("/actors?search=a77", { lessMotion });
      const row = rows(page).first();
      await row.getByText("a77").waitFor();
      // Animations that have begun, by the name that the page gives them.
      await page.evaluate(`{
        window.flashes = 0;
        const animate = Element.prototype.animate;
        Element.prototype.animate = function (...of) { window.flashes += of[1]?.id === "flash" ? 1 : 0; return animate.apply(this, of); };
      }`);
      // A row is lit after it was drawn, at the latest before it is drawn again.
      for (const time of ["once", "twice"]) {
        const note = `seen ${lessMotion ? "still" : "lit"} ${time}`;
        await tally("a77").ask.add({ by: 1, note });
        await row.getByText(note).waitFor();
      }
      const revision = (await tally("a77").get())?.revision ?? 0;
      await row.getByText(revision.toLocaleString("en"), { exact: true }).waitFor();
      expect(await page.evaluate("window.flashes > 0")).toBe(!lessMotion);
      expect(faults).toEqual([]);
    }
  });

  test("an actor's state is followed live, and is what the actor says", async () => {
    const { page, faults } = await open("/actors?search=slash");
    await rows(page).getByRole("link").click();
    await heading(page, "with/slash ü").waitFor();
    const state = page.getByRole("region", { name: "State", exact: true });
    await state.getByText('"an odd name"').waitFor();
    const total = await tally("with/slash ü").ask.add({ by: 35, note: "once more" });
    await state.getByText(String(total), { exact: true }).waitFor();
    const committed = await tally("with/slash ü").get();
    await state.getByText(JSON.stringify(committed?.state.last)).waitFor();
    await fact(page, "Revision").getByText(shownOf(committed), { exact: true }).waitFor();
    await fact(page, "Owner").getByText("w1").waitFor();
    expect(faults).toEqual([]);
  });

  test("a slider goes through the revisions by keyboard, each with what it changed and its trace", async () => {
    const asked = tally("looked-back-at");
    await asked.ask.add({ by: 1, note: "first" });
    await asked.ask.add({ by: 10, note: "second" });
    await asked.ask.add({ by: 100, note: "third" });
    const { page, faults } = await open("/actors/tally/looked-back-at/history");
    const diff = page.getByRole("list", { name: /Changes of revision/ });
    await diff.getByText("111").waitFor();
    expect(await diff.locator("li").allTextContents()).toEqual([
      "~changed /count11111",
      '~changed /last"second""third"',
    ]);
    await page.getByRole("slider", { name: "Revision" }).focus();
    await page.keyboard.press("ArrowLeft");
    await expect
      .poll(() => diff.locator("li").allTextContents())
      .toEqual(["~changed /count111", '~changed /last"first""second"']);
    const link = page.getByRole("region", { name: "What it changed" }).getByRole("link", { name: "trace" });
    const trace = /^http:\/\/127\.0\.0\.1:16686\/trace\/(\w{32})$/.exec((await link.getAttribute("href")) ?? "")?.[1];
    const spansOf = () => collector.spans.filter(({ traceId }) => traceId === trace);
    await expect.poll(() => JSON.stringify(spansOf()), { timeout: 20_000 }).toContain("looked-back-at");
    // Whoever looks at one revision keeps it while the actor goes on.
    await asked.ask.add({ by: 1_000, note: "fourth" });
    await fact(page, "Revision")
      .getByText(shownOf(await asked.get()), { exact: true })
      .waitFor();
    expect(await diff.getByText('"second"').count()).toBe(1);
    await page.keyboard.press("Home");
    await page.getByText("what it changed is not known").waitFor();
    await page.keyboard.press("End");
    await expect
      .poll(() => diff.locator("li").allTextContents())
      .toEqual(["~changed /count1111111", '~changed /last"third""fourth"']);
    expect(faults).toEqual([]);
  });

  test("of a commit whose trace was not made it is said so, and no link leads to where nothing is", async () => {
    for (const count of [1, 2]) await commit("unseen", { count, last: "not sampled" });
    const { page, faults } = await open("/actors/tally/unseen/history");
    const changed = page.getByRole("region", { name: "What it changed" });
    await changed.getByText("not traced").waitFor();
    await page.locator(".facts").getByText("not traced").waitFor();
    expect(await page.locator("main .trace").count()).toBe(0);
    expect(faults).toEqual([]);
  });

  test("a state of 800 kB is read when somebody asks for it, and is compared with the one before", async () => {
    const noteOf = (last: string) => ({
      count: 1,
      last,
      much: Array.from({ length: 20_000 }, (_, nth) => `a line, ${nth}`),
    });
    for (const last of ["before", "afterwards"]) await commit("large", noteOf(last));
    const { page, faults } = await open("/actors/tally/large");
    const state = page.getByRole("region", { name: "State", exact: true });
    await state.getByText(/^\d{3} kB: the state will be read when you ask for it/).waitFor();
    await state.getByRole("button", { name: "Read it" }).click();
    await state.getByText('"afterwards"').waitFor();
    const revision = await commit("large", noteOf("later"));
    await state.getByRole("button", { name: `Read revision ${revision.toLocaleString("en")}` }).click();
    await state.getByText('"later"').waitFor();
    await page.getByRole("link", { name: "History" }).click();
    const changed = page.getByRole("region", { name: "What it changed" });
    await changed.getByRole("button", { name: "Compare them" }).click();
    const diff = page.getByRole("list", { name: `Changes of revision ${revision}` });
    await diff.getByText("later").waitFor();
    expect(await diff.locator("li").allTextContents()).toEqual(['~changed /last"afterwards""later"']);
    await page.getByRole("slider", { name: "Revision" }).focus();
    await page.keyboard.press("Home");
    await page.getByText("what it changed is not known").waitFor();
    await page.getByRole("region", { name: "State then" }).getByRole("button", { name: "Read it" }).click();
    await page.getByRole("region", { name: "State then" }).getByText('"before"').waitFor();
    expect(faults).toEqual([]);
  });

  test("its mailbox shows what waits, its timers what will wake it", async () => {
    const busy = tally("busy");
    await busy.ask.remind();
    await using gate = await openGate();
    await busy.tell.hold(gate.port);
    for (let nth = 1; nth <= 3; nth += 1) await busy.tell.add({ by: nth, note: `letter ${nth}` });
    const { page, faults } = await open("/actors/tally/busy/mailbox");
    await heading(page, "4 messages waiting").waitFor();
    await page.getByRole("table", { name: "Messages that wait" }).getByText('{"by":2,"note":"letter 2"}').waitFor();
    await page.getByRole("link", { name: "State" }).click();
    const timers = page.getByRole("table", { name: "Timers" });
    // Each by its own row: at half past midnight the other one is due in an hour too.
    await timers.getByRole("row", { name: "nightly" }).getByText("30 2 * * *").waitFor();
    await timers
      .getByRole("row", { name: "soon" })
      .getByText(/^in (?:5\d min|1 h)$/)
      .waitFor();
    gate.release();
    await page.getByRole("link", { name: "Mailbox" }).click();
    await page.getByText("Nothing waits").waitFor();
    expect((await busy.get())?.state.count).toBe(6);
    expect(faults).toEqual([]);
  });

  test("an actor that is not there is said to be so, and appears when it comes", async () => {
    const { page } = await open("/actors/tally/to-come");
    await page.getByText("NOT_FOUND").waitFor();
    await tally("to-come").ask.add({ by: 5, note: "here I am" });
    await page.getByText('"here I am"').waitFor();
    expect(await page.getByText("NOT_FOUND").count()).toBe(0);
  });

  test("rows are walked by arrow keys and opened by Enter", async () => {
    const { page, faults } = await open("/actors?sort=key");
    await rows(page).nth(2).waitFor();
    await rows(page).first().getByRole("link").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    const third = (await rows(page).nth(2).locator(".actor-name").getAttribute("title")) ?? "";
    await page.keyboard.press("Enter");
    await heading(page, third.replace("tally/", "")).waitFor();
    await page.goBack();
    await page.getByRole("heading", { level: 1, name: "Actors" }).waitFor();
    expect(faults).toEqual([]);
  });

  test("can be read by everybody, in light and dark and on a phone", async () => {
    await tally("read").ask.remind();
    for (const note of ["one", "two"]) await tally("read").ask.add({ by: 1, note });
    const of = async (path: string, ready: (page: Page) => Promise<unknown>) =>
      expectGoodLooks(await browser(), `${ground.url}${path}`, ready);
    await of("/actors", (page) => rows(page).nth(20).waitFor());
    await of("/actors/tally/read", (page) => page.getByText("nightly").waitFor());
    await of("/actors/tally/read/history", (page) => page.getByText("State then").waitFor());
    await of("/actors/tally/read/mailbox", (page) => heading(page, /Mailbox|waiting/).waitFor());
    await of("/actors/tally/nobody", (page) => page.getByText("NOT_FOUND").waitFor());
  });
});
