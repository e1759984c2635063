// Memory: how much there is of it and how it grows, which scopes there are, one scope.

import "./memory.css";
import { Tabs } from "../parts/tabs.tsx";
import { hrefOf, route } from "../router.ts";
import { MemoryOverview } from "./memory-overview.tsx";
import { MemoryPanel } from "./memory-panel.tsx";
import { RetentionPlan } from "./retention-plan.tsx";
import { ScopeList } from "./scope-list.tsx";
import { scopeName } from "./scope-name.ts";

export function MemoryView() {
  const [, scope] = route.value.parts;
  return scope === undefined ? <Memory /> : <ScopePage key={scope} scope={scope} />;
}

const tabs = [
  ["", "Growth and load"],
  ["scopes", "Scopes"],
  ["retention", "Retention"],
] as const;

function Memory() {
  const tab = route.value.query.get("tab") ?? "";
  const items = tabs.map(([of, name]) => ({ name, href: hrefOf(["memory"], { tab: of }), isHere: of === tab }));
  return (
    <>
      <div class="view-head">
        <h1 tabIndex={-1}>Memory</h1>
      </div>
      <Tabs label="Memory" items={items} />
      {tab === "scopes" ? <ScopeList /> : tab === "retention" ? <RetentionPlan /> : <MemoryOverview />}
    </>
  );
}

function ScopePage({ scope }: { readonly scope: string }) {
  return (
    <>
      <div class="view-head">
        <p class="way-back">
          <a href="/memory">Memory</a> / <a href={hrefOf(["memory"], { tab: "scopes" })}>scopes</a> /
        </p>
        <h1 tabIndex={-1} class="scope-name" title={scope}>
          <bdi>{scopeName(scope)}</bdi>
        </h1>
      </div>
      <MemoryPanel scope={scope} />
    </>
  );
}
