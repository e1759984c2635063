// What an actor remembers. Which scope a turn of it writes to its code says, so there may be several: all that are known can be chosen.

import { useEffect, useRef } from "preact/hooks";
import type { ActorScopesView, ActorView } from "../../../src/monitoring/dashboard/api/actors.ts";
import { apiPath } from "../live/api-client.ts";
import { useGet } from "../live/use-get.ts";
import { MemoryPanel } from "../memory/memory-panel.tsx";
import { scopeName } from "../memory/scope-name.ts";
import { secondNow } from "../page-clock.ts";
import { Empty, Loading, ProblemBox } from "../parts/states.tsx";
import { Tabs } from "../parts/tabs.tsx";
import { hrefOf, route } from "../router.ts";

const everySeconds = 5;

export function ActorMemory({ actor: { type, id } }: { readonly actor: Pick<ActorView, "type" | "id"> }) {
  const got = useGet<ActorScopesView>(apiPath("actors", type, id, "scopes"));
  const round = Math.floor(secondNow.value / 1_000 / everySeconds);
  useEffect(() => got.reload(), [round]);
  const shown = useRef<string | undefined>(undefined);
  if (got.problem !== null && got.data === null) return <ProblemBox problem={got.problem} onRetry={got.reload} />;
  if (got.data === null) return <Loading what="where it remembers" />;
  const wanted = route.value.query.get("scope");
  const scopes = [...new Set([...(wanted === null ? [] : [wanted]), ...got.data.scopes])].sort();
  // Which one comes first changes as the actor goes on: whoever reads in one stays there.
  if (shown.current === undefined || !got.data.scopes.includes(shown.current)) shown.current = got.data.scopes[0];
  const chosen = wanted ?? shown.current;
  if (chosen === undefined) return <NoScope />;
  const items = scopes.map((scope) => ({
    name: scopeName(scope),
    href: hrefOf(["actors", type, id, "memory"], { scope }),
    isHere: scope === chosen,
  }));
  return (
    <>
      <Tabs label="Where it remembers" items={items} />
      <MemoryPanel key={chosen} scope={chosen} />
    </>
  );
}

function NoScope() {
  return (
    <Empty title="No memory of this actor is known">
      None of its commits that are kept wrote to one, and it has none of its own. What is remembered of a user or a
      session stands under <a href="/memory?tab=scopes">Memory, Scopes</a>.
    </Empty>
  );
}
