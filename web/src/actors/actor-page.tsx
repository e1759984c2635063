// One actor: how it stands now, live, and the ways to its past, its mail and its memory.

import type { ComponentChildren } from "preact";
import { useCallback } from "preact/hooks";
import type { ActorView } from "../../../src/monitoring/dashboard/api/actors.ts";
import type { ChangesView } from "../../../src/monitoring/dashboard/api/live.ts";
import { bytes, exact, plural, unknown } from "../format/figures.ts";
import { apiPath } from "../live/api-client.ts";
import { useGet } from "../live/use-get.ts";
import { useLive } from "../live/use-live.ts";
import { Mark } from "../now/owner-mark.tsx";
import { Badge } from "../parts/badge.tsx";
import { CopyButton } from "../parts/copy-button.tsx";
import { Loading, ProblemBox } from "../parts/states.tsx";
import { Tabs } from "../parts/tabs.tsx";
import { TimeAgo } from "../parts/time-ago.tsx";
import { TraceLink } from "../parts/trace-link.tsx";
import { hrefOf } from "../router.ts";
import { ActorHistory } from "./actor-history.tsx";
import { keyOf } from "./actor-key.ts";
import { ActorMailbox } from "./actor-mailbox.tsx";
import { ActorMemory } from "./actor-memory.tsx";
import { ActorState } from "./actor-state.tsx";

export interface ActorAddress {
  readonly type: string;
  readonly id: string;
}

const tabs = [
  ["state", "State"],
  ["history", "History"],
  ["mailbox", "Mailbox"],
  ["memory", "Memory"],
] as const;

export function ActorPage({ actor, tab }: { readonly actor: ActorAddress; readonly tab: string }) {
  const { type, id } = actor;
  const got = useGet<ActorView>(apiPath("actors", type, id));
  const { reload, data: view } = got;
  const hear = useCallback(
    ({ rows }: ChangesView) => {
      if (rows.some((row) => row.type === type && row.id === id)) reload();
    },
    [type, id, reload],
  );
  useLive("changes", hear, keyOf(type, id));
  return (
    <>
      <div class="view-head actor-head">
        <p class="way-back">
          <a href="/actors">Actors</a> / <a href={hrefOf(["actors"], { type })}>{type}</a> /
        </p>
        <h1 tabIndex={-1}>{id}</h1>
        <CopyButton text={`${type}/${id}`} what="actor's address" />
        {view?.status != null && <Badge tone="quiet">{view.status}</Badge>}
        {view?.isStopped === true && <Badge tone="problem">stopped</Badge>}
      </div>
      {got.problem !== null && <ProblemBox problem={got.problem} onRetry={reload} />}
      {view === null && got.problem === null && <Loading what={`${type}/${id}`} />}
      {view !== null && (
        <>
          <ActorFacts view={view} />
          <Tabs
            label="Of this actor"
            items={tabs.map(([at, name]) => ({
              name,
              href: hrefOf(at === "state" ? ["actors", type, id] : ["actors", type, id, at]),
              isHere: at === tab,
            }))}
          />
          <Tab view={view} tab={tab} />
        </>
      )}
    </>
  );
}

function Tab({ view, tab }: { readonly view: ActorView; readonly tab: string }) {
  switch (tab) {
    case "history":
      return <ActorHistory view={view} />;
    case "mailbox":
      return <ActorMailbox view={view} />;
    case "memory":
      return <ActorMemory actor={view} />;
    default:
      return <ActorState view={view} />;
  }
}

function ActorFacts({ view }: { readonly view: ActorView }) {
  const place = view.pool === null ? unknown : `${view.pool} ${view.partition ?? unknown}`;
  return (
    <dl class="facts">
      <Fact name="Revision">{exact(view.revision)}</Fact>
      <Fact name="Changed">
        <TimeAgo atMs={view.changedAtMs} />
      </Fact>
      <Fact name="Size">{bytes(view.bytes)}</Fact>
      <Fact name="Owner">
        {view.owner === null ? (
          "nobody"
        ) : (
          <>
            <Mark worker={view.owner} /> {view.ownerName ?? view.owner.slice(0, 8)}
          </>
        )}
      </Fact>
      <Fact name="Partition">{place}</Fact>
      <Fact name="Epoch">{exact(view.epoch)}</Fact>
      <Fact name="Form">schema {view.schema}</Fact>
      <Fact name="Last commit sent">{plural(view.pendingSends, "message")}</Fact>
      <Fact name="Trace">
        <TraceLink trace={view.trace} isExpected />
      </Fact>
    </dl>
  );
}

function Fact(props: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}
