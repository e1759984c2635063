// As the system, light, dark: one button that goes round.

import { Icon } from "../parts/icon.tsx";
import type { Theme } from "../theme.ts";
import { theme } from "../theme.ts";

const next: Readonly<Record<Theme, Theme>> = { system: "light", light: "dark", dark: "system" };
const words: Readonly<Record<Theme, string>> = { system: "as the system", light: "light", dark: "dark" };

export function ThemeSwitch() {
  const said = `Colours: ${words[theme.value]}`;
  return (
    <button
      type="button"
      class="icon-only"
      title={said}
      aria-label={said}
      onClick={() => {
        theme.value = next[theme.value];
      }}
    >
      <Icon name={theme.value} />
    </button>
  );
}
