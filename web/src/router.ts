// Where one is on the page: the path of the address, so that a link can be sent to a colleague. Links are plain `<a href>`:
// a click on one within the page changes the address without loading the page again.

import { signal } from "@preact/signals";
import { decodePart, encodePart } from "./address-part.ts";

export interface Route {
  /** Parts of the path, decoded: `/actors/desk/anna%2F1` is ["actors", "desk", "anna/1"]. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
}

const read = (): Route => ({
  parts: location.pathname
    .split("/")
    .filter((part) => part !== "")
    .map(decodePart),
  query: new URLSearchParams(location.search),
});

export const route = signal<Route>(read());

/** The address of a place: parts are encoded, members of the query that are undefined or empty are left out. */
export function hrefOf(parts: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const path = `/${parts.map(encodePart).join("/")}`;
  const rest = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) rest.set(name, value);
  return rest.size === 0 ? path : `${path}?${rest}`;
}

/** Goes there. With `replace`, "back" does not come by here again: for filters and sliders. */
export function go(href: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  route.value = read();
}

/** The same place with these members of the query set, or taken out when they are undefined or empty. */
export function setQuery(changes: Readonly<Record<string, string | undefined>>): void {
  const merged = { ...Object.fromEntries(route.peek().query), ...changes };
  go(hrefOf(route.peek().parts, merged), { replace: true });
}

export function startRouter(): void {
  addEventListener("popstate", () => {
    route.value = read();
  });
  document.addEventListener("click", (event) => {
    const link = (event.target as Element | null)?.closest?.("a[href]");
    if (!(link instanceof HTMLAnchorElement) || link.origin !== location.origin || link.target !== "") return;
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    if (link.hash !== "" && link.pathname === location.pathname) return;
    event.preventDefault();
    go(link.href);
    scrollTo(0, 0);
  });
}
