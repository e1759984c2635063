// The button that sends all dead letters of a filter again, the question before it, and how far it has got. Without any there
// is no button; the dialog stays for as long as it is open, as sending them is what empties the list. What is asked is what is sent:
// those of the filter whose number is shown, whatever is typed meanwhile.

import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { DeadRow } from "../../../src/monitoring/dashboard/api/messages.ts";
import type { Page } from "../../../src/monitoring/dashboard/api/page.ts";
import { exact, plural } from "../format/figures.ts";
import { get, ProblemError, post, problemFrom } from "../live/api-client.ts";
import { Meter } from "../parts/meter.tsx";
import { ProblemBox } from "../parts/states.tsx";
import type { ReplayProgress } from "./replay-all.ts";
import { replayAll } from "./replay-all.ts";

const pageLength = 100;

export interface BulkReplayProps {
  readonly filter: { readonly type: string; readonly code: string };
  /** How many match it; null: that is not known yet. */
  readonly total: number | null;
  readonly onChanged: (text: string) => void;
}

export function BulkReplay(props: BulkReplayProps) {
  const { filter, total, onChanged } = props;
  const [asked, ask] = useState<Asked | null>(null);
  return (
    <>
      {total !== null && total > 0 && (
        <button type="button" onClick={() => ask({ filter, wanted: total })}>
          Replay {total === 1 ? "it" : `all ${exact(total)}`} …
        </button>
      )}
      {asked !== null && <Replaying asked={asked} onChanged={onChanged} onClose={() => ask(null)} />}
    </>
  );
}

/** As it stood when it was asked: the list beside it shrinks meanwhile, and is of another filter when somebody types. */
interface Asked {
  readonly filter: BulkReplayProps["filter"];
  readonly wanted: number;
}

interface ReplayingProps {
  readonly asked: Asked;
  readonly onChanged: (text: string) => void;
  readonly onClose: () => void;
}

function Replaying({ asked: { filter, wanted }, onChanged, onClose }: ReplayingProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const stop = useRef(new AbortController());
  const title = useId();
  const [progress, setProgress] = useState<ReplayProgress | null>(null);
  useEffect(() => {
    dialog.current?.showModal();
    return () => stop.current.abort();
  }, []);
  const begin = async (event: SubmitEvent) => {
    event.preventDefault();
    setProgress({ sent: 0, failed: 0, problem: null, isDone: false });
    try {
      const end = await replayAll({
        page: (cursor) => get<Page<DeadRow>>("dead", { ...filter, limit: pageLength, cursor }),
        replay: (sequence) => post(`dead/${sequence}/replay`),
        problemOf: problemFrom,
        // Nobody gave a token, or the server is away: the next one would end likewise. One that is gone (404) is passed by.
        isOver: (error) => !(error instanceof ProblemError) || error.status === 401 || error.status === 0,
        onProgress: setProgress,
        signal: stop.current.signal,
      });
      setProgress(end);
      onChanged(`${plural(end.sent, "dead letter")} sent again`);
    } catch (error) {
      setProgress((before) => ({ ...(before ?? noProgress), problem: problemFrom(error), isDone: true }));
    }
  };
  return (
    <dialog ref={dialog} aria-labelledby={title} onClose={onClose}>
      <form onSubmit={begin}>
        <h2 id={title}>Send {plural(wanted, "message")} again?</h2>
        <div class="dialog-text">
          <p>{wordsOf(filter)}</p>
          <p>One after the other, the oldest first. Those whose cause is not removed come back here.</p>
        </div>
        <Standing progress={progress} wanted={wanted} />
        <div class="dialog-ends">
          <button type="button" onClick={onClose}>
            {progress === null ? "Not now" : progress.isDone ? "Close" : "Stop"}
          </button>
          {progress?.isDone !== true && (
            <button type="submit" class="primary" disabled={progress !== null}>
              Replay {exact(wanted)}
            </button>
          )}
        </div>
      </form>
    </dialog>
  );
}

const noProgress: ReplayProgress = { sent: 0, failed: 0, problem: null, isDone: false };

function Standing({ progress, wanted }: { readonly progress: ReplayProgress | null; readonly wanted: number }) {
  if (progress === null) return null;
  const { sent, failed, problem, isDone } = progress;
  return (
    <>
      <p role="status">
        <Meter of={wanted === 0 ? 1 : (sent + failed) / wanted} label="Sent again" warnAt={2} problemAt={2} />{" "}
        {isDone ? "Done: " : ""}
        {exact(sent)} of {exact(wanted)} sent again{failed > 0 && `, ${exact(failed)} could not be`}
      </p>
      {problem !== null && <ProblemBox problem={problem} />}
    </>
  );
}

function wordsOf({ type, code }: BulkReplayProps["filter"]): string {
  const which = [type !== "" && `to actors of the type ${type}`, code !== "" && `given up with ${code}`].filter(
    Boolean,
  );
  return which.length === 0 ? "All dead letters of this app." : `Those ${which.join(", ")}.`;
}
