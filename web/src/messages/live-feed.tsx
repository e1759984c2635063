// What happens in the workers, live: filtered, and held still when somebody wants to read. What comes is a sample, and that is said.

import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import type { FeedView } from "../../../src/monitoring/dashboard/api/live.ts";
import type { FeedItem } from "../../../src/monitoring/dashboard/api/messages.ts";
import { duration, exact, plural } from "../format/figures.ts";
import { exactTime, timeOfDay } from "../format/times.ts";
import { now } from "../live/now-store.ts";
import { useDebounced } from "../live/use-debounced.ts";
import { useLive } from "../live/use-live.ts";
import { nameOfWorker } from "../now/worker-table.tsx";
import { Panel } from "../parts/panel.tsx";
import { Empty } from "../parts/states.tsx";
import { TraceLink } from "../parts/trace-link.tsx";
import { hrefOf, route } from "../router.ts";
import type { FeedBuffer, Kept } from "./feed-buffer.ts";
import { cleared, emptyFeed, paused, recounted, resumed, withItems } from "./feed-buffer.ts";
import type { FeedFilter } from "./feed-filter.ts";
import { filterNames, matcherOf, onlyOf, patternOf, saidOf } from "./feed-filter.ts";
import { FeedFilters } from "./feed-filters.tsx";

/** Rows on the page: more than that nobody reads, and each costs. */
const rowsMax = 200;

export function LiveFeed() {
  const { query } = route.value;
  const filter = Object.fromEntries(filterNames.map((name) => [name, query.get(name) ?? ""])) as unknown as FeedFilter;
  const [buffer, setBuffer] = useState<FeedBuffer>(emptyFeed);
  const hear = useCallback((view: FeedView) => setBuffer((buffered) => withItems(buffered, view)), []);
  const pattern = useDebounced(patternOf(filter) ?? "");
  const only = onlyOf(filter);
  useLive("feed", hear, pattern || undefined, only);
  useEffect(() => setBuffer(recounted), [pattern, only]);
  const matches = useMemo(() => matcherOf(filter), [JSON.stringify(filter)]);
  const shown = useMemo(() => buffer.shown.filter(({ item }) => matches(item)), [buffer.shown, matches]);
  const held = useMemo(() => buffer.held.filter(({ item }) => matches(item)).length, [buffer.held, matches]);
  const isFiltered = Object.values(filter).some((value) => value !== "");
  return (
    <>
      <FeedFilters items={buffer.shown} />
      <Panel title="Live feed" aside={<FeedControls buffer={buffer} onChange={setBuffer} />}>
        <p class="panel-body feed-words" role="status">
          <FeedWords buffer={buffer} shown={shown.length} held={held} isFiltered={isFiltered} />
        </p>
        {shown.length === 0 ? (
          <NothingYet isFiltered={isFiltered} isAnything={buffer.shown.length > 0} />
        ) : (
          <Rows rows={shown.slice(-rowsMax).toReversed()} />
        )}
      </Panel>
    </>
  );
}

interface FeedControlsProps {
  readonly buffer: FeedBuffer;
  readonly onChange: (change: (buffer: FeedBuffer) => FeedBuffer) => void;
}

function FeedControls({ buffer, onChange }: FeedControlsProps) {
  const { isPaused, came } = buffer;
  return (
    <span class="feed-controls">
      <button type="button" onClick={() => onChange(cleared)}>
        Clear
      </button>
      <button
        type="button"
        class={isPaused ? "primary" : undefined}
        aria-pressed={isPaused}
        onClick={() => onChange(isPaused ? resumed : paused)}
      >
        {isPaused ? `Go on (${exact(came)} came)` : "Pause"}
      </button>
    </span>
  );
}

interface FeedWordsProps {
  readonly buffer: FeedBuffer;
  readonly shown: number;
  readonly held: number;
  readonly isFiltered: boolean;
}

function FeedWords({ buffer, shown, held, isFiltered }: FeedWordsProps) {
  const { isPaused, came, lost, skipped, skippedNotable } = buffer;
  const matching = isFiltered ? ` (${exact(held)} of those that are kept match)` : "";
  const gone = lost > 0 ? `; the oldest ${exact(lost)} of them are gone` : "";
  return (
    <>
      {isPaused && (
        <b>
          Paused: {plural(came, "item")} came meanwhile{matching}
          {gone}.{" "}
        </b>
      )}
      <span class="quiet">
        Newest first, {exact(Math.min(shown, rowsMax))} shown{shown > rowsMax && ` of ${exact(shown)} that match`}.{" "}
        {skipped === 0
          ? "Nothing was left out so far."
          : `A sample: ${exact(skipped)} more were only counted. Warnings and errors come first.`}{" "}
        {skippedNotable > 0 && <b>At least {exact(skippedNotable)} warnings and errors are among those left out.</b>}
      </span>
    </>
  );
}

function NothingYet({ isFiltered, isAnything }: { readonly isFiltered: boolean; readonly isAnything: boolean }) {
  if (isFiltered)
    return (
      <Empty title={isAnything ? "Nothing of what came matches" : "Nothing has come that matches"}>
        What comes is looked at as it comes. <a href="/messages">Show everything</a>
      </Empty>
    );
  return (
    <Empty title="Nothing has happened since you look">
      Turns, failures, ownership and timers show here as they happen in the workers.
    </Empty>
  );
}

const signs: Readonly<Record<string, string>> = { warn: "▲", error: "✕" };

function Rows({ rows }: { readonly rows: readonly Kept[] }) {
  return (
    <ol class="feed" aria-label="What happened, newest first">
      {rows.map(({ number, item }) => (
        <Row key={number} item={item} />
      ))}
    </ol>
  );
}

function Row({ item }: { readonly item: FeedItem }) {
  const { kind, atMs, level, method, turn, durationMs, code, text, trace } = item;
  return (
    <li class={`feed-row level-${level}`}>
      <time class="feed-time" title={exactTime(atMs)} dateTime={new Date(atMs).toISOString()}>
        {timeOfDay(atMs)}
      </time>
      <span class="feed-kind">
        {signs[level] !== undefined && (
          <>
            <span aria-hidden="true">{signs[level]} </span>
            <span class="unseen">{level}: </span>
          </>
        )}
        {kind}
      </span>
      <span class="feed-what">
        <ActorLink actor={item.actor} />
        {method !== null && (
          <span>
            {" "}
            <bdi>{method}</bdi>
          </span>
        )}
        {turn !== null && <span class="quiet"> {turn}</span>}
      </span>
      <span class="feed-text" title={text}>
        {code !== null && <code>{code} </code>}
        <bdi>{saidOf(item).slice(0, 500)}</bdi>
      </span>
      <span class="feed-end">
        {durationMs !== null && <span>{duration(durationMs)}</span>}
        <TraceLink trace={trace} />
        <WorkerName worker={item.worker} />
      </span>
    </li>
  );
}

/** What people call it, while it lives. */
function WorkerName({ worker }: { readonly worker: string }) {
  const row = now.value?.workers.find((one) => one.worker === worker);
  return (
    <span class="quiet wide-only" title={`worker ${worker}`}>
      {nameOfWorker(row ?? { worker, name: null })}
    </span>
  );
}

export function ActorLink({ actor }: { readonly actor: string | null }) {
  if (actor === null) return null;
  const cut = actor.indexOf("/");
  return (
    <a class="feed-actor" href={hrefOf(["actors", actor.slice(0, cut), actor.slice(cut + 1)])} title={actor}>
      <bdi>{actor}</bdi>
    </a>
  );
}
