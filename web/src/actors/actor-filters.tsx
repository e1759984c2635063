// What is looked for. It stands in the address, so that it can be sent to somebody.

import { exact } from "../format/figures.ts";
import { QueryBox } from "../parts/query-box.tsx";
import { route, setQuery } from "../router.ts";

const onlys = [
  ["", "All"],
  ["stopped", "Stopped"],
  ["failing", "Failing"],
  ["pending", "That have just sent"],
] as const;

export function ActorFilters({ types }: { readonly types: Readonly<Record<string, number>> }) {
  const { query } = route.value;
  const type = query.get("type") ?? "";
  const names = Object.keys(types).toSorted();
  // A type of the address that is not there is shown as it is: the list then says that nothing matches.
  if (type !== "" && !names.includes(type)) names.push(type);
  return (
    <search class="filters">
      <QueryBox name="search" label="Search by id" />
      <label>
        <span class="unseen">Type</span>
        <select value={type} onChange={(event) => setQuery({ type: event.currentTarget.value })}>
          <option value="">All types</option>
          {names.map((name) => (
            <option key={name} value={name}>
              {name} ({exact(types[name] ?? 0)})
            </option>
          ))}
        </select>
      </label>
      <label>
        <span class="unseen">Only</span>
        <select value={query.get("only") ?? ""} onChange={(event) => setQuery({ only: event.currentTarget.value })}>
          {onlys.map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </search>
  );
}
