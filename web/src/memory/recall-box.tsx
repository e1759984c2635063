// Asks the memory of a scope as its agent would, and shows why each hit stands where it does.

import { useState } from "preact/hooks";
import type { RecallHitRow, RecallView } from "../../../src/monitoring/dashboard/api/memory.ts";
import { duration, plural } from "../format/figures.ts";
import { useGet } from "../live/use-get.ts";
import { Badge } from "../parts/badge.tsx";
import { LongText } from "../parts/long-text.tsx";
import { Panel } from "../parts/panel.tsx";
import { Empty, Loading, ProblemBox } from "../parts/states.tsx";
import { TimeAgo } from "../parts/time-ago.tsx";

const hitsMax = 10;

export function RecallBox({ scope }: { readonly scope: string }) {
  const [asked, ask] = useState("");
  const got = useGet<RecallView>(asked === "" ? null : "memory/recall", { scope, q: asked, k: hitsMax });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const text = new FormData(event.currentTarget as HTMLFormElement).get("q");
    if (typeof text !== "string") return;
    if (text.trim() === asked) got.reload();
    else ask(text.trim());
  };
  return (
    <Panel title="Recall">
      <search>
        <form class="recall-form panel-body" onSubmit={submit}>
          <label class="recall-label">
            <span class="unseen">What to recall</span>
            <input
              name="q"
              type="search"
              placeholder="Ask as the agent would: where does Anna live?"
              autocomplete="off"
            />
          </label>
          <button type="submit">Recall</button>
        </form>
      </search>
      {asked !== "" && got.problem !== null && <ProblemBox problem={got.problem} onRetry={got.reload} />}
      {asked !== "" && got.data === null && got.problem === null && <Loading what="the memory" />}
      {asked !== "" && got.data !== null && <Hits view={got.data} />}
    </Panel>
  );
}

function Hits({ view }: { readonly view: RecallView }) {
  const { hits, tookMs, isDegraded, query } = view;
  if (hits.length === 0)
    return (
      <Empty title="Nothing was found">
        No entry and no fact of this scope has to do with <q>{query}</q>.
      </Empty>
    );
  const best = hits[0]?.score ?? 1;
  return (
    <>
      <p class="panel-body quiet" role="status">
        {plural(hits.length, "hit")} for <q>{query}</q> in {duration(tookMs)}
        {isDegraded && ": by words alone, since its meaning could not be found out"}
      </p>
      <ol class="hits">
        {hits.map((hit) => (
          <Hit key={`${hit.key} ${hit.revision} ${hit.text}`} hit={hit} best={best} />
        ))}
      </ol>
    </>
  );
}

function Hit({ hit, best }: { readonly hit: RecallHitRow; readonly best: number }) {
  const { scope, kind, speaker, text, atMs, score, why, also, key } = hit;
  return (
    <li class="hit">
      <p class="entry-head">
        <svg class="hit-score" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false">
          <rect class="meter-ground" width="100" height="6" />
          <rect class="meter-fill" width={Math.max(0, Math.min(100, (score / best) * 100))} height="6" />
        </svg>
        <b title="What it is ranked by">{score.toFixed(score < 0.1 ? 4 : 2)}</b>
        <Badge tone="quiet">{kind}</Badge>
        {speaker !== null && <bdi>{speaker}</bdi>}
        <TimeAgo atMs={atMs} />
        <code class="quiet cut hit-key" title={`${scope}: ${key}`}>
          {key}
        </code>
      </p>
      <p class="entry-text" dir="auto">
        <LongText text={text} />
      </p>
      <p class="why">
        <span class="quiet">Why: </span>
        {why.map(({ word, field, score: worth }) => (
          <span key={`${word} ${field}`} class="why-word">
            <bdi>{word}</bdi>
            {field !== "text" && <span class="quiet"> in {field}</span>} <b>+{worth.toFixed(2)}</b>
          </span>
        ))}
        {also.map((reason) => (
          <span key={reason} class="quiet">
            {reason}
          </span>
        ))}
      </p>
    </li>
  );
}
