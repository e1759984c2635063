// What a person does takes its time, and what they look at goes on meanwhile: a question stays until it is answered, what is done is
// what was asked, and what came of it can be read.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Tally } from "./ground/actors.ts";
import { describeInBrowser, sharedBrowser } from "./ground/chromium.ts";
import type { Ground } from "./ground/ground.ts";
import { openGround } from "./ground/ground.ts";
import { keepBack } from "./ground/late.ts";
import { startWaitingRun } from "./ground/scene.ts";

describeInBrowser("actions that take their time", () => {
  const browser = sharedBrowser();
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround({ workers: 2 });
    for (let nth = 0; nth < 3; nth += 1) await ground.troupe.actor(Tally, `d${nth}`).tell.fail("no such product");
    await Promise.all(["w-1", "w-2"].map((id) => startWaitingRun(ground.troupe, id)));
    await vi.waitFor(async () => expect(await deadTotal()).toBe(3), patience);
  });
  afterAll(() => ground?.[Symbol.asyncDispose]());

  const open = async (path: string) => (await browser()).open(`${ground.url}${path}#token=${ground.token}`);
  const deadTotal = async () => {
    const page = (await (await fetch(`${ground.url}/api/dead?limit=1`)).json()) as { readonly total: number };
    return page.total;
  };
  const decide = (run: string, by: string) =>
    fetch(`${ground.url}/api/workflows/triage/runs/${run}/signal`, {
      method: "POST",
      headers: { authorization: `Bearer ${ground.token}`, "content-type": "application/json" },
      body: JSON.stringify({ signal: "decision", value: { by, remedy: "rollback" } }),
    });
  const heading = (page: Page, name: string) => page.getByRole("heading", { name, exact: true });
  const types = (page: Page) => page.getByRole("searchbox", { name: "Type of the actor" });

  test("a question stays while it is being done, and says what came of it", async () => {
    const { page, faults } = await open("/workflows/triage/w-1");
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Let this run order nothing until it is resumed?" });
    const late = Promise.withResolvers<void>();
    await page.route(/\/pause$/, async (route) => {
      await late.promise;
      await route.fulfill({ status: 503, json: { code: "TRY_LATER", message: "nobody serves it", remedy: "" } });
    });
    const asked = page.waitForRequest(/\/pause$/);
    await page.getByRole("button", { name: "Pause this run" }).click();
    await asked;
    await page.keyboard.press("Escape");
    late.resolve();
    await dialog.getByRole("alert").getByText("TRY_LATER").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(faults).toEqual([]);
  });

  test("all that are sent again are those that were shown when it was asked", async () => {
    const { page, faults } = await open("/messages/dead");
    const button = page.getByRole("button", { name: /^Replay all/ });
    await button.waitFor();
    const late = await keepBack(page, /api\/dead\?type=diary/);
    await types(page).fill("diary");
    await late.answered;
    // Three are still shown, of another filter than the one that would be sent.
    expect(await page.locator(".dead").count()).toBe(3);
    expect(await button.count()).toBe(0);
    late.release();
    await page.getByText("No dead letter matches").waitFor();
    await types(page).fill("");
    await button.waitFor();
    // Somebody types and presses the button at once: the list is of what was typed before.
    const read = page.waitForResponse(/api\/dead\?type=diary/);
    await page.evaluate(`{
      const box = document.querySelector("input[type=search]");
      box.value = "diary";
      box.dispatchEvent(new Event("input", { bubbles: true }));
      [...document.querySelectorAll("button")].find(({ textContent }) => textContent.startsWith("Replay all")).click();
    }`);
    await read;
    const dialog = page.getByRole("dialog", { name: "Send 3 messages again?" });
    await heading(page, "0 dead letters").waitFor();
    await dialog.getByText("All dead letters of this app.").waitFor();
    await dialog.getByRole("button", { name: "Not now" }).click();
    expect(faults).toEqual([]);
  });

  test("what is read after an action is what is wanted then", async () => {
    const { page, faults } = await open("/messages/dead");
    await page
      .getByRole("button", { name: /^Drop dead letter/ })
      .first()
      .click();
    const late = await keepBack(page, /\/drop$/);
    await page.getByRole("button", { name: "Drop it" }).click();
    await late.answered;
    const read = page.waitForResponse(/api\/dead\?type=diary/);
    await page.evaluate(`{
      const box = document.querySelector("input[type=search]");
      box.value = "diary";
      box.dispatchEvent(new Event("input", { bubbles: true }));
    }`);
    await read;
    await page.getByText("No dead letter matches").waitFor();
    const next = page.waitForRequest(/api\/dead\?.*limit=25/);
    late.release();
    expect((await next).url()).toContain("type=diary");
    await page.getByText(/dead letter \d+ is forgotten/).waitFor();
    expect(faults).toEqual([]);
  });

  test("whoever fills in a form keeps it when another was quicker, and is told so", async () => {
    const { page, faults } = await open("/workflows/triage/w-2");
    const form = page.getByRole("form", { name: "Signal decision" });
    await form.getByLabel("by").fill("ada");
    expect((await decide("w-2", "bob")).ok).toBe(true);
    await page.locator(".view-head .badge", { hasText: "completed" }).waitFor();
    expect(await form.getByLabel("by").inputValue()).toBe("ada");
    await form.getByText("The run no longer waits for this").waitFor();
    expect(await form.getByRole("button", { name: "Send decision" }).isDisabled()).toBe(true);
    await form.getByRole("button", { name: "Close" }).click();
    await form.waitFor({ state: "detached" });
    expect(faults).toEqual([]);
  });

  test("a form that was sent says what the run has against it, also when another was quicker", async () => {
    const { page, faults } = await open("/workflows/triage/w-1");
    const form = page.getByRole("form", { name: "Signal decision" });
    await form.getByLabel("by").fill("ada");
    await form.getByLabel("remedy").selectOption("rollback");
    const late = Promise.withResolvers<void>();
    await page.route(/\/signal$/, async (route) => {
      await late.promise;
      await route.fallback();
    });
    const asked = page.waitForRequest(/\/signal$/);
    await form.getByRole("button", { name: "Send decision" }).click();
    await asked;
    expect((await decide("w-1", "bob")).ok).toBe(true);
    await page.locator(".view-head .badge", { hasText: "completed" }).waitFor();
    late.resolve();
    await form.getByRole("alert").waitFor();
    await form.getByRole("button", { name: "Close" }).click();
    await form.waitFor({ state: "detached" });
    expect(faults).toEqual([]);
  });

  test("the question whether to drain a worker stays when its row changes and goes, and says what came of it", async () => {
    const { page, faults } = await open("/");
    await page.getByRole("button", { name: "Drain w1", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Let the worker w1 finish and end?" });
    await dialog.waitFor();
    await ground.workers[0]?.kill9();
    await page.locator("tbody tr", { hasText: "w1" }).waitFor({ state: "detached" });
    await dialog.getByRole("button", { name: "Drain w1" }).click();
    await dialog.getByRole("alert").waitFor();
    await dialog.getByRole("button", { name: "Not now" }).click();
    await dialog.waitFor({ state: "detached" });
    expect(faults).toEqual([]);
  });
});

const patience = { timeout: 20_000, interval: 200 } as const;
