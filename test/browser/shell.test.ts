// The frame around the views: the token, the ways, the colours, and that nothing comes from elsewhere.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeInBrowser, phone, sharedBrowser } from "./ground/chromium.ts";
import type { Ground } from "./ground/ground.ts";
import { openGround } from "./ground/ground.ts";
import { keepBack } from "./ground/late.ts";

const viewNames = ["Now", "Actors", "Workflows", "Memory", "Messages"];

describeInBrowser("the page's frame", () => {
  const browser = sharedBrowser();
  let ground: Ground;
  /** The same server as others of the network see it: there reading wants the token too. */
  let url: string;
  beforeAll(async () => {
    ground = await openGround({ workers: 1, dashboard: ["--host", "0.0.0.0"] });
    url = ground.url.replace("0.0.0.0", "127.0.0.1");
  });
  afterAll(() => ground?.[Symbol.asyncDispose]());

  const open = async (path = "/", look = {}) => (await browser()).open(`${url}${path}#token=${ground.token}`, look);
  const standing = (page: Page) => page.locator(".standing");

  test("the token leaves the address at once, and stays with the tab", async () => {
    const { page, faults } = await open("/actors?sort=key");
    await standing(page).waitFor();
    expect(page.url()).toBe(`${url}/actors?sort=key`);
    await page.reload();
    await standing(page).waitFor();
    expect(await page.evaluate("localStorage.length > 0 && JSON.stringify(localStorage).includes('token-for')")).toBe(
      false,
    );
    expect(faults).toEqual([]);
  });

  test("without the token it asks for it, once, and goes on when it is right", async () => {
    const { page, faults } = await (await browser()).open(url);
    const dialog = page.getByRole("dialog", { name: "The token of this dashboard" });
    await dialog.waitFor();
    expect(await page.evaluate("document.activeElement.name")).toBe("token");
    await page.keyboard.type("not this one");
    await page.keyboard.press("Enter");
    await expect.poll(() => dialog.getByLabel("Token").inputValue(), patience).toBe("");
    await dialog.getByLabel("Token").fill(ground.token);
    await dialog.getByRole("button", { name: "Go on" }).click();
    await standing(page).waitFor();
    await page.getByText("1 worker serves").waitFor();
    expect(await dialog.isVisible()).toBe(false);
    expect(faults).toEqual([]);
  });

  test("who gives no token is told how to get it, and is not asked again until they want something", async () => {
    const { page } = await (await browser()).open(url);
    const dialog = page.getByRole("dialog", { name: "The token of this dashboard" });
    await dialog.waitFor();
    await page.keyboard.press("Escape");
    await page.locator('[data-banner="lost"]', { hasText: "#token=" }).waitFor();
    // The page tries again by itself; nobody is interrupted by that.
    for (const _ of [1, 2]) await page.waitForResponse((response) => response.status() === 401);
    expect(await dialog.isVisible()).toBe(false);
    await page.getByRole("button", { name: "Try now" }).click();
    await dialog.getByLabel("Token").fill(ground.token);
    await dialog.getByRole("button", { name: "Go on" }).click();
    await page.getByText("1 worker serves").waitFor();
  });

  test("what was refused without the token is asked for with it: nobody is asked twice, however late the refusal comes", async () => {
    const { page, faults } = await (await browser()).open(url);
    const dialog = page.getByRole("dialog", { name: "The token of this dashboard" });
    await dialog.waitFor();
    const late = await keepBack(page, /api\/actors\?/);
    // As a link does, which nobody can press behind the dialog.
    await page.evaluate(`history.pushState(null, "", "/actors"); dispatchEvent(new Event("popstate"))`);
    await late.answered;
    await dialog.getByLabel("Token").fill(ground.token);
    await dialog.getByRole("button", { name: "Go on" }).click();
    await standing(page).waitFor();
    late.release();
    await page.getByText("There are no actors yet").waitFor();
    expect(await dialog.isVisible()).toBe(false);
    expect(faults).toEqual([]);
  });

  test("everything is reached by keyboard, in the order in which it is seen, and the place is always visible", async () => {
    const { page, faults } = await open();
    await standing(page).waitFor();
    const names: string[] = [];
    for (let nth = 0; nth < 9; nth += 1) {
      await page.keyboard.press("Tab");
      names.push(
        await page.evaluate<string>(
          "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim()",
        ),
      );
      expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle"), names.at(-1)).not.toBe(
        "none",
      );
    }
    expect(names.slice(0, 7)).toEqual(["Skip to the view", "Troupe", ...viewNames]);
    expect(names.at(-1)).toBe("Colours: as the system");
    for (const name of [...viewNames.slice(1), "Now"]) {
      await page.getByRole("navigation", { name: "Views" }).getByRole("link", { name }).focus();
      await page.keyboard.press("Enter");
      await expect.poll(() => page.title(), patience).toBe(`${name} · Troupe`);
      const here = page.getByRole("navigation", { name: "Views" }).locator("[aria-current=page]");
      expect(await here.textContent()).toBe(name);
      // A screen reader goes on where the view begins.
      await expect.poll(() => page.evaluate("document.activeElement.tagName"), patience).toBe("H1");
    }
    expect(faults).toEqual([]);
  });

  test("the skip link leads past the header", async () => {
    const { page } = await open();
    await standing(page).waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.evaluate("document.activeElement.id"), patience).toBe("view");
  });

  test("colours follow the system until somebody chooses, and the choice stays", async () => {
    const { page } = await open("/", { colors: "dark" });
    const ground = () => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    const dark = await ground();
    await page.emulateMedia({ colorScheme: "light" });
    const light = await ground();
    expect(light).not.toBe(dark);
    await page.getByRole("button", { name: "Colours: as the system" }).click();
    await page.getByRole("button", { name: "Colours: light" }).click();
    await page.getByRole("button", { name: "Colours: dark" }).waitFor();
    expect(await ground()).toBe(dark);
    await page.reload();
    await page.getByRole("button", { name: "Colours: dark" }).waitFor();
    expect(await ground()).toBe(dark);
  });

  test("on a phone the ways are at the bottom, large enough for a thumb, and no view scrolls sideways", async () => {
    const { page, faults } = await open("/", { size: phone });
    for (const name of viewNames) {
      const link = page.getByRole("navigation", { name: "Views" }).getByRole("link", { name });
      await link.click();
      await expect.poll(() => page.title(), patience).toBe(`${name} · Troupe`);
      const box = await link.boundingBox();
      expect(box?.y).toBeGreaterThan(phone.height - 64);
      expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThan(44);
      expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    }
    expect(faults).toEqual([]);
  });

  test("an address that leads nowhere says so, and where to go on", async () => {
    const { page } = await open("/nowhere/at all");
    await page.getByText("There is no view at /nowhere").waitFor();
    await page.getByRole("link", { name: "How it stands now" }).click();
    await page.getByText("1 worker serves").waitFor();
  });
});

const patience = { timeout: 20_000, interval: 100 } as const;
