// A box to search in, whose text stands in the address: it can be sent to somebody, and "back" brings it back. It stands there
// and nowhere else: of two places one is behind while somebody types faster than is drawn, and letters would be lost.

import { route, setQuery } from "../router.ts";
import { Icon } from "./icon.tsx";

/** `name`: of the member of the query. */
export function QueryBox({ name, label }: { readonly name: string; readonly label: string }) {
  return (
    <label class="search-box">
      <Icon name="search" />
      <span class="unseen">{label}</span>
      <input
        type="search"
        placeholder={label}
        value={route.value.query.get(name) ?? ""}
        onInput={(event) => setQuery({ [name]: event.currentTarget.value })}
      />
    </label>
  );
}

export interface QueryChoiceProps {
  readonly name: string;
  readonly label: string;
  /** The first is what holds when nothing is chosen. */
  readonly choices: readonly (readonly [value: string, text: string])[];
}

/** One of a few, in the address too. What the address has besides is shown as it is. */
export function QueryChoice({ name, label, choices }: QueryChoiceProps) {
  const chosen = route.value.query.get(name) ?? "";
  const isKnown = choices.some(([value]) => value === chosen);
  return (
    <label>
      <span class="unseen">{label}</span>
      <select value={chosen} onChange={(event) => setQuery({ [name]: event.currentTarget.value })}>
        {(isKnown ? choices : [...choices, [chosen, chosen] as const]).map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
