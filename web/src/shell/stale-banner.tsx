// What is shown is old: since when, why, and what happens about it. Stands above the view until it is live again.

import { duration } from "../format/figures.ts";
import { timeOfDay } from "../format/times.ts";
import { connection, health, tryNow } from "../live/live.ts";
import { localNow, secondNow } from "../page-clock.ts";
import { Icon } from "../parts/icon.tsx";

export function StaleBanner() {
  const { value: link } = connection;
  return (
    <div role="status" aria-live="polite">
      {link.state === "lost" ? <Lost link={link} /> : <BehindNats />}
    </div>
  );
}

function Lost({ link }: { readonly link: Extract<typeof connection.value, { state: "lost" }> }) {
  return (
    <div class="banner is-lost" data-banner="lost">
      <Icon name="stale" />
      <span>
        <strong>Stale since {timeOfDay(link.sinceMs)}.</strong> {link.problem.message}. {link.problem.remedy}
      </span>
      <span class="quiet" aria-hidden="true">
        <NextTry atMs={link.againAtMs} />
      </span>
      <button type="button" onClick={tryNow}>
        Try now
      </button>
    </div>
  );
}

function NextTry({ atMs }: { readonly atMs: number }) {
  // Drawn again each second.
  void secondNow.value;
  const left = Math.ceil((atMs - localNow()) / 1_000);
  return <>{left > 0 ? `tries again in ${duration(left * 1_000)}` : "tries again"}</>;
}

function BehindNats() {
  const said = health.value;
  if (said === null || said.state === "live") return null;
  const isStale = said.state === "stale";
  return (
    <div class="banner" data-banner={said.state}>
      <Icon name="stale" />
      <span>
        {isStale ? (
          <>
            <strong>Stale since {timeOfDay(said.sinceMs)}.</strong> NATS does not answer the dashboard
            {said.reason === null ? "" : ` (${said.reason})`}. It connects again by itself; see that nats-server runs.
          </>
        ) : (
          <>
            <strong>Catching up.</strong> The dashboard reads what stands on the server: figures and lists still grow.
          </>
        )}
      </span>
    </div>
  );
}
