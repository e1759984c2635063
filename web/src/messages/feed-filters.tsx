// What of the feed is shown. The choices are those that came so far: what cannot be chosen yet can be written into the address.

import { useRef } from "preact/hooks";
import { QueryBox, QueryChoice } from "../parts/query-box.tsx";
import type { Kept } from "./feed-buffer.ts";
import { typeOf } from "./feed-filter.ts";

/** Names of one list: kinds and types come from the code, so there are few; whatever comes, the list is bounded. */
const namesMax = 200;

/** What somebody looks for before it has come: it may be rare, and then it is in no sample. */
const sought = ["actor-stopped", "commit-refused", "dead-lettered", "escalated", "ownership-lost", "turn-retried"];

export function FeedFilters({ items }: { readonly items: readonly Kept[] }) {
  const kinds = useSeen([...sought, ...items.map(({ item }) => item.kind)]);
  const types = useSeen(items.map(({ item }) => typeOf(item)));
  const methods = useSeen(items.map(({ item }) => item.method));
  return (
    <search class="filters feed-filters" aria-label="Filter the feed">
      <QueryBox name="text" label="Search in what is said" />
      <QueryBox name="actor" label="Actor, or type/id" />
      <QueryChoice name="level" label="Level" choices={levels} />
      <QueryChoice name="kind" label="Kind" choices={[["", "All kinds"], ...pairs(kinds)]} />
      <QueryChoice name="type" label="Type" choices={[["", "All types"], ...pairs(types)]} />
      <QueryChoice name="method" label="Method" choices={[["", "All methods"], ...pairs(methods)]} />
    </search>
  );
}

const levels = [
  ["", "All levels"],
  ["warn", "Warnings and errors"],
  ["error", "Errors"],
] as const;

const pairs = (names: ReadonlySet<string>) => [...names].sort().map((name) => [name, name] as const);

/** All names that were ever there: a choice does not go away because nothing of it came lately. */
function useSeen(names: readonly (string | null)[]): ReadonlySet<string> {
  const seen = useRef(new Set<string>());
  for (const name of names) if (name !== null && seen.current.size < namesMax) seen.current.add(name);
  return seen.current;
}
