// Light or dark: as the system says, unless somebody has chosen.

import { effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const place = "troupe-theme";
const isTheme = (text: string | null): text is Theme => text === "system" || text === "light" || text === "dark";
const kept = localStorage.getItem(place);

export const theme = signal<Theme>(isTheme(kept) ? kept : "system");

const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
/** Which one it is now: charts are drawn on a canvas and have to be drawn again when it changes. */
export const isDark = signal(false);

const decide = () => {
  isDark.value = theme.value === "dark" || (theme.value === "system" && systemIsDark.matches);
};

systemIsDark.addEventListener("change", decide);

effect(() => {
  if (theme.value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
  localStorage.setItem(place, theme.value);
  decide();
});
