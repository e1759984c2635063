// The ways in which every view is looked at.

import type { Page } from "playwright-core";
import { expect } from "vitest";
import { violationsOf } from "./axe.ts";
import type { Browser } from "./chromium.ts";
import { phone } from "./chromium.ts";

const desk = { width: 1280, height: 900 };
const looks = {
  light: { size: desk, colorScheme: "light" },
  dark: { size: desk, colorScheme: "dark" },
  "phone, dark": { size: phone, colorScheme: "dark" },
  phone: { size: phone, colorScheme: "light" },
} as const;

/** On a phone who has to scroll a table sideways reads half of it, and a name of which one letter is left says nothing. */
const cutAway = `[
  ...[...document.querySelectorAll(".table-frame")].filter((frame) => frame.scrollWidth > frame.clientWidth + 1),
  ...[...document.querySelectorAll(".dead-actor, .feed-actor, .run-name, .actor-name")].filter((name) => {
    return name.scrollWidth > name.clientWidth + 1 && name.clientWidth > 0 && name.clientWidth < 60;
  }),
].map((element) => element.className + ": " + element.textContent.slice(0, 60))`;

/** Each way of looking at `url` shows a page that axe finds no fault with, that does not scroll sideways, and whose console is silent. */
export async function expectGoodLooks(
  browser: Browser,
  url: string,
  ready: (page: Page) => Promise<unknown>,
): Promise<void> {
  // Without motion: what fades has no colour that axe could judge.
  const { page, faults } = await browser.open(url, { lessMotion: true });
  await ready(page);
  for (const [name, { size, colorScheme }] of Object.entries(looks)) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    expect(await violationsOf(page), `${name} ${url}`).toEqual([]);
    const sideways = "Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)";
    expect(await page.evaluate(sideways), `${name} ${url} scrolls sideways`).toBe(0);
    expect(
      await page.evaluate(cutAway),
      `${name} ${url}: tables that are wider than their frame, names without room`,
    ).toEqual([]);
  }
  expect(faults, url).toEqual([]);
  await page.context().close();
}
