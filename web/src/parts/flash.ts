// Something has changed: its ground lights up and fades. Whoever has asked the system for less motion sees no fading; there the
// age beside it ("now") says the same.

import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

const lessMotion = matchMedia("(prefers-reduced-motion: reduce)");

/** Lights up the element each time `value` is another one than when it was drawn before. */
export function useFlash<Shown extends HTMLElement>(value: unknown): RefObject<Shown | null> {
  const shown = useRef<Shown>(null);
  const before = useRef(value);
  useEffect(() => {
    if (Object.is(before.current, value)) return;
    before.current = value;
    flash(shown.current);
  }, [value]);
  return shown;
}

function flash(element: HTMLElement | null): void {
  if (element === null || lessMotion.matches) return;
  for (const earlier of element.getAnimations()) if (earlier.id === "flash") earlier.cancel();
  element.animate([{ backgroundColor: "var(--flash)" }, { backgroundColor: "transparent" }], {
    duration: 1_200,
    easing: "ease-out",
    id: "flash",
  });
}
