// The figures that the view Now has shown, second by second, as a person would have written them down: read from the page, not from what
// the server told it.

import type { Page } from "playwright-core";

export interface ShownSecond {
  readonly atMs: number;
  /** By what they are called on the page: "Failures" is the large print, "Failures/retried" a line of its chart, "Failures/beside" the one figure in small print. Durations in ms. */
  readonly figures: Readonly<Record<string, number | null>>;
}

/** From now on each second is written down, and the one that is shown already. */
export async function writeDown(page: Page): Promise<void> {
  await page.locator(".charts[data-at]").waitFor();
  await page.evaluate(`{
    window.shown = new Map();
    const note = () => {
      const texts = {};
      for (const tile of document.querySelectorAll(".tile")) {
        const figure = tile.querySelector("[data-figure]");
        texts[figure.dataset.figure] = figure.textContent;
        texts[figure.dataset.figure + "/beside"] = tile.querySelector(".tile-beside").textContent.replace(/^\\D+/, "");
        for (const line of tile.querySelectorAll(".legend-entry")) {
          const value = line.querySelector("b").textContent;
          texts[figure.dataset.figure + "/" + line.textContent.trim().split(" ")[0]] = value;
        }
      }
      window.shown.set(Number(document.querySelector(".charts").dataset.at), texts);
    };
    const charts = document.querySelector(".charts");
    note();
    new MutationObserver(note).observe(charts, { attributes: true, attributeFilter: ["data-at"] });
  }`);
}

/** What has been written down so far, oldest first. */
export async function writtenDown(page: Page): Promise<readonly ShownSecond[]> {
  const shown = await page.evaluate<readonly [number, Readonly<Record<string, string>>][]>("[...window.shown]");
  return shown.map(([atMs, texts]) => {
    const figures = Object.entries(texts).map(([name, text]) => [name, numberOf(text)] as const);
    return { atMs, figures: Object.fromEntries(figures) };
  });
}

const scales: Readonly<Record<string, number>> = { k: 1e3, M: 1e6, µs: 1e-3, ms: 1, s: 1e3, min: 6e4 };

/** "12.3k /s", "640 µs", "1,204", "–". */
function numberOf(text: string): number | null {
  const [, digits, unit = ""] = /^([\d.,]+)\s*(k|M|µs|ms|s|min)?(?:\s*\/s)?\s*$/.exec(text.trim()) ?? [];
  return digits === undefined ? null : Number(digits.replaceAll(",", "")) * (scales[unit] ?? 1);
}

/** What a rate has added up to: each second with the time since the one before it. */
export function addedUp(seconds: readonly ShownSecond[], name: string): number {
  return seconds.reduce((sum, { atMs, figures }, at) => {
    const before = seconds[at - 1];
    return before === undefined ? sum : sum + ((figures[name] ?? 0) * (atMs - before.atMs)) / 1_000;
  }, 0);
}
