// The revisions that are kept: a slider goes through them, and each shows what it has changed.

import { useEffect, useRef } from "preact/hooks";
import type { ActorView, HistoryView, RevisionView } from "../../../src/monitoring/dashboard/api/actors.ts";
import { bytes, exact, plural } from "../format/figures.ts";
import { exactTime } from "../format/times.ts";
import { apiPath } from "../live/api-client.ts";
import { useGet } from "../live/use-get.ts";
import { secondNow } from "../page-clock.ts";
import { Icon } from "../parts/icon.tsx";
import { JsonDiff } from "../parts/json-diff.tsx";
import type { Mark } from "../parts/json-tree.tsx";
import { JsonTree } from "../parts/json-tree.tsx";
import { Panel } from "../parts/panel.tsx";
import { Empty, Loading, ProblemBox } from "../parts/states.tsx";
import { TimeAgo } from "../parts/time-ago.tsx";
import { TraceLink } from "../parts/trace-link.tsx";
import { route, setQuery } from "../router.ts";
import type { ActorAddress } from "./actor-page.tsx";
import { LargeChange, LargeState } from "./large-value.tsx";

export function ActorHistory({ view }: { readonly view: ActorView }) {
  const got = useGet<HistoryView>(apiPath("actors", view.type, view.id, "history"));
  const wanted = route.value.query.get("revision");
  // Of a large actor that changes all the time each reading is megabytes: no more than one in two seconds.
  const moment = Math.floor(secondNow.value / 2_000);
  const read = useRef(view.revision);
  // Who looks at one revision keeps it: when the actor goes on, it may no longer be among those that the server keeps.
  useEffect(() => {
    if (wanted !== null || read.current === view.revision) return;
    read.current = view.revision;
    got.reload();
  }, [moment, wanted]);
  if (got.data === null)
    return got.problem === null ? (
      <Loading what="its history" />
    ) : (
      <ProblemBox problem={got.problem} onRetry={got.reload} />
    );
  const { revisions } = got.data;
  if (revisions.length === 0) return <Empty title="No revision is kept" />;
  return <Revisions revisions={revisions} wanted={wanted} of={view} />;
}

interface RevisionsProps {
  readonly revisions: readonly RevisionView[];
  /** Null: the latest. */
  readonly wanted: string | null;
  readonly of: ActorAddress;
}

function Revisions({ revisions, wanted, of }: RevisionsProps) {
  const found = revisions.findIndex(({ revision }) => String(revision) === wanted);
  const at = found === -1 ? revisions.length - 1 : found;
  const chosen = revisions[at];
  const choose = (next: number) => {
    const isLatest = next === revisions.length - 1;
    setQuery({ revision: isLatest ? undefined : String(revisions[next]?.revision ?? "") });
  };
  if (chosen === undefined) return null;
  const before = revisions[at - 1];
  return (
    <>
      {wanted !== null && found === -1 && (
        <p class="quiet" role="status">
          Revision {wanted} is no longer kept: this is the latest.
        </p>
      )}
      <Slider revisions={revisions} at={at} onChoose={choose} />
      <div class="history">
        <Panel title="What it changed" aside={<TraceLink trace={chosen.trace} isExpected />}>
          <div class="panel-body">
            <Change actor={of} chosen={chosen} before={before} />
          </div>
        </Panel>
        <Panel title="State then" aside={<span class="quiet">{bytes(chosen.bytes)}</span>}>
          <div class="panel-body">
            <StateThen actor={of} chosen={chosen} before={before} />
          </div>
        </Panel>
      </div>
    </>
  );
}

interface ChosenProps {
  readonly actor: ActorAddress;
  readonly chosen: RevisionView;
  readonly before: RevisionView | undefined;
}

function Change({ actor, chosen, before }: ChosenProps) {
  const { revision, patch, bytes: size } = chosen;
  if (chosen.isLarge || before?.isLarge)
    return <LargeChange key={revision} actor={actor} revision={revision} size={size} before={before} />;
  if (before === undefined) return <p class="quiet">The oldest revision that is kept: what it changed is not known.</p>;
  return <JsonDiff label={`Changes of revision ${revision}`} patch={patch} before={before.state} />;
}

function StateThen({ actor, chosen, before }: ChosenProps) {
  const { revision, state, isLarge, bytes: size } = chosen;
  if (isLarge) return <LargeState key={revision} actor={actor} revision={revision} size={size} />;
  const marks = before === undefined || before.isLarge ? undefined : marksOf(chosen);
  return <JsonTree value={state} label={`state of ${actor.type}/${actor.id} at revision ${revision}`} marks={marks} />;
}

interface SliderProps {
  readonly revisions: readonly RevisionView[];
  readonly at: number;
  readonly onChoose: (at: number) => void;
}

function Slider({ revisions, at, onChoose }: SliderProps) {
  const last = revisions.length - 1;
  const chosen = revisions[at];
  if (chosen === undefined) return null;
  const words = `revision ${chosen.revision}, ${at + 1} of ${revisions.length}`;
  return (
    <Panel title={`Revision ${exact(chosen.revision)}`} aside={<When revision={chosen} isLatest={at === last} />}>
      <div class="slider panel-body">
        <button type="button" class="icon-only" aria-label="Older" disabled={at === 0} onClick={() => onChoose(at - 1)}>
          <Icon name="left" />
        </button>
        <input
          type="range"
          aria-label="Revision"
          aria-valuetext={words}
          min={0}
          max={last}
          step={1}
          value={at}
          list="revisions"
          onInput={(event) => onChoose(Number(event.currentTarget.value))}
        />
        <datalist id="revisions">
          {revisions.map(({ revision }, nth) => (
            <option key={revision} value={nth} />
          ))}
        </datalist>
        <button
          type="button"
          class="icon-only"
          aria-label="Newer"
          disabled={at === last}
          onClick={() => onChoose(at + 1)}
        >
          <Icon name="right" />
        </button>
        <span class="slider-words">
          {at + 1} of {plural(revisions.length, "revision")} kept
        </span>
      </div>
    </Panel>
  );
}

function When({ revision, isLatest }: { readonly revision: RevisionView; readonly isLatest: boolean }) {
  return (
    <span class="quiet">
      {exactTime(revision.atMs)} · {isLatest ? "the latest" : <TimeAgo atMs={revision.atMs} />} · epoch {revision.epoch}
    </span>
  );
}

/** What a revision has put into the state; what it took out is no longer there to be marked. */
function marksOf({ patch }: RevisionView): ReadonlyMap<string, Mark> {
  const put = patch.filter(({ op }) => op !== "remove");
  return new Map(put.map(({ op, path }) => [path, op === "add" ? "added" : "changed"]));
}
