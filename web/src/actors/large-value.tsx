// A value that is too large to come along: how large it is, and all of it once somebody asks. The server hands it out as it is
// stored, and it is compared here, with nobody else waiting.

import { useMemo, useState } from "preact/hooks";
import type { RevisionView, StoredValue } from "../../../src/monitoring/dashboard/api/actors.ts";
import { bytes, exact } from "../format/figures.ts";
import { apiPath } from "../live/api-client.ts";
import type { Got } from "../live/use-get.ts";
import { useGet } from "../live/use-get.ts";
import { JsonDiff } from "../parts/json-diff.tsx";
import { JsonTree } from "../parts/json-tree.tsx";
import { Loading, ProblemBox } from "../parts/states.tsx";
import { stepsBetween } from "../parts/steps-between.ts";
import type { ActorAddress } from "./actor-page.tsx";

interface LargeValueProps {
  readonly actor: ActorAddress;
  /** The one that is shown now. */
  readonly revision: number;
  readonly size: number;
}

/** The state of the actor as it stands: read when asked for, not each time that it changes. */
export function LargeState({ actor, revision, size }: LargeValueProps) {
  const [wanted, want] = useState<number | null>(null);
  return (
    <>
      <Summary size={size} what="the state">
        {wanted !== revision && (
          <button type="button" onClick={() => want(revision)}>
            {wanted === null ? "Read it" : `Read revision ${exact(revision)}`}
          </button>
        )}
        {wanted !== null && wanted !== revision && <span class="quiet"> below is revision {exact(wanted)}</span>}
      </Summary>
      {wanted !== null && <Stored key={wanted} actor={actor} revision={wanted} />}
    </>
  );
}

interface LargeRevisionProps extends LargeValueProps {
  /** What it is compared with; undefined: nothing is kept. */
  readonly before: RevisionView | undefined;
}

/** A revision, and what it has changed: one of the two is large. */
export function LargeChange({ actor, revision, size, before }: LargeRevisionProps) {
  const [isWanted, want] = useState(false);
  const got = useStored(actor, isWanted ? revision : null);
  const old = useStored(actor, isWanted ? (before?.revision ?? null) : null);
  const [now, then] = [got.data, old.data];
  const steps = useMemo(
    () => (now === null || then === null ? null : stepsBetween(then.state, now.state)),
    [now, then],
  );
  if (before === undefined) return <p class="quiet">The oldest revision that is kept: what it changed is not known.</p>;
  if (!isWanted)
    return (
      <Summary size={size + before.bytes} what="the two values">
        <button type="button" onClick={() => want(true)}>
          Compare them
        </button>
      </Summary>
    );
  const problem = got.problem ?? old.problem;
  if (steps !== null && then !== null)
    return <JsonDiff label={`Changes of revision ${revision}`} patch={steps} before={then.state} />;
  const again = () => {
    for (const each of [got, old]) if (each.problem !== null) each.reload();
  };
  return problem === null ? <Loading what="both values" /> : <ProblemBox problem={problem} onRetry={again} />;
}

function Summary(props: { readonly size: number; readonly what: string; readonly children: preact.ComponentChildren }) {
  return (
    <p class="large-value">
      <span class="quiet">
        {bytes(props.size)}: {props.what} will be read when you ask for {props.what === "the state" ? "it" : "them"}.
      </span>{" "}
      {props.children}
    </p>
  );
}

/** One for each revision: what was read of another is never shown in its place. */
function Stored({ actor, revision }: { readonly actor: ActorAddress; readonly revision: number }) {
  const got = useStored(actor, revision);
  const label = `state of ${actor.type}/${actor.id}`;
  if (got.data !== null) return <JsonTree value={got.data.state} label={label} openLevels={1} />;
  return got.problem === null ? <Loading what={label} /> : <ProblemBox problem={got.problem} onRetry={got.reload} />;
}

function useStored({ type, id }: ActorAddress, revision: number | null): Got<StoredValue> {
  return useGet<StoredValue>(revision === null ? null : apiPath("actors", type, id, "value"), { revision });
}
