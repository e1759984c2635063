// The token that actions need, and reading too where the dashboard is served beyond this machine. `troupe dashboard` prints an
// address with it in the fragment, which no browser sends anywhere: it is taken out at once and kept for this tab alone.

import { signal } from "@preact/signals";

const place = "troupe-token";

export const token = signal<string | null>(sessionStorage.getItem(place));

/** Not null while the page asks for a token: what to do with what was given, null when somebody gave up. */
export const asking = signal<{ readonly why: string; readonly answer: (given: string | null) => void } | null>(null);

export function takeTokenFromAddress(): void {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given === null) return;
  keepToken(given);
  history.replaceState(null, "", location.pathname + location.search);
}

export function keepToken(given: string | null): void {
  if (given === null) sessionStorage.removeItem(place);
  else sessionStorage.setItem(place, given);
  isDeclined = false;
  token.value = given;
}

let asked: Promise<string | null> | undefined;
/** They gave none: what the page asks for by itself interrupts them no more. */
let isDeclined = false;

/** Whoever wants something of the page is asked again for what they would not give before. */
export function allowAsking(): void {
  isDeclined = false;
}

/** Asks the person for the token, once however many requests wait for it. Null: they gave up, now or before. */
export async function askForToken(why: string): Promise<string | null> {
  if (isDeclined) return null;
  asked ??= new Promise<string | null>((resolve) => {
    asking.value = { why, answer: resolve };
  }).then((given) => {
    asking.value = null;
    asked = undefined;
    if (given === null) isDeclined = true;
    else keepToken(given);
    return given;
  });
  return asked;
}

export function authorization(): Record<string, string> {
  return token.value === null ? {} : { authorization: `Bearer ${token.value}` };
}
