// What was given up on: why, with what, and the ways out. Newest first.

import { useEffect, useState } from "preact/hooks";
import type { DeadRow } from "../../../src/monitoring/dashboard/api/messages.ts";
import type { Page } from "../../../src/monitoring/dashboard/api/page.ts";
import { plural } from "../format/figures.ts";
import { post } from "../live/api-client.ts";
import { useDebounced } from "../live/use-debounced.ts";
import { useGet } from "../live/use-get.ts";
import { secondNow } from "../page-clock.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Pager, usePages } from "../parts/pages.tsx";
import { Panel } from "../parts/panel.tsx";
import { QueryBox } from "../parts/query-box.tsx";
import { Empty, Loading, ProblemBox } from "../parts/states.tsx";
import { route } from "../router.ts";
import { BulkReplay } from "./bulk-replay.tsx";
import { DeadLetter } from "./dead-letter.tsx";

const pageLength = 25;
const everySeconds = 5;

interface Asked {
  readonly action: "replay" | "drop";
  readonly letter: DeadRow;
}

export function DeadLetters({ onChanged }: { readonly onChanged: () => void }) {
  const { query } = route.value;
  const filter = { type: useDebounced(query.get("type") ?? ""), code: useDebounced(query.get("code") ?? "") };
  const pages = usePages(JSON.stringify(filter));
  const got = useGet<Page<DeadRow>>("dead", { ...filter, limit: pageLength, cursor: pages.cursor });
  const [asked, ask] = useState<Asked | null>(null);
  const [said, say] = useState("");
  const round = Math.floor(secondNow.value / 1_000 / everySeconds);
  useEffect(() => got.reload(), [round]);
  const changed = (text: string) => {
    say(text);
    got.reload();
    onChanged();
  };
  const isFiltered = filter.type + filter.code !== "";
  return (
    <>
      <search class="filters dead-filters" aria-label="Filter the dead letters">
        <QueryBox name="type" label="Type of the actor" />
        <QueryBox name="code" label="Code, like HANDLER_FAILED" />
      </search>
      <p class="done-text" role="status">
        {said}
      </p>
      {got.problem !== null && <ProblemBox problem={got.problem} onRetry={got.reload} />}
      <Panel
        title={got.data === null ? "Dead letters" : plural(got.data.total, "dead letter")}
        aside={
          <BulkReplay filter={filter} total={got.isFormer ? null : (got.data?.total ?? null)} onChanged={changed} />
        }
      >
        {got.data === null ? (
          got.problem === null && <Loading what="dead letters" />
        ) : (
          <ul class="dead-list">
            {got.data.rows.map((letter) => (
              <DeadLetter key={letter.sequence} letter={letter} onAsk={(action) => ask({ action, letter })} />
            ))}
          </ul>
        )}
        {got.data?.rows.length === 0 && <NoLetters isFiltered={isFiltered} />}
        {got.data !== null && <Pager pages={pages} page={got.data} pageLength={pageLength} isReading={got.isLoading} />}
      </Panel>
      {asked !== null && <Question asked={asked} onDone={changed} onClose={() => ask(null)} />}
    </>
  );
}

function NoLetters({ isFiltered }: { readonly isFiltered: boolean }) {
  if (isFiltered)
    return (
      <Empty title="No dead letter matches">
        Type and code are looked for as a whole. <a href="/messages/dead">Show all</a>
      </Empty>
    );
  return (
    <Empty title="No message was given up on">
      A message whose handler fails again and again is kept here with the reason, until somebody replays or drops it.
    </Empty>
  );
}

interface QuestionProps {
  readonly asked: Asked;
  readonly onDone: (text: string) => void;
  readonly onClose: () => void;
}

function Question({ asked: { action, letter }, onDone, onClose }: QuestionProps) {
  const { type, id, method, sequence } = letter;
  const isReplay = action === "replay";
  const act = async () => onDone((await post(`dead/${sequence}/${action}`)).text);
  return (
    <Confirm
      title={isReplay ? "Send this message again?" : "Forget this message?"}
      action={isReplay ? "Replay it" : "Drop it"}
      act={act}
      onClose={onClose}
    >
      <p>
        <bdi>
          {type}/{id}
        </bdi>{" "}
        {method}, dead letter {sequence}
      </p>
      <p>
        {isReplay
          ? "It goes to the end of the actor's mailbox and has a turn as if it were new. If its cause is not removed it comes back here."
          : "Its argument and its reason are gone for good: nobody can send it again."}
      </p>
    </Confirm>
  );
}
