// The first thing on the page: is everything well, and if not, what to do.

import { useEffect, useState } from "preact/hooks";
import type { NowView } from "../../../src/monitoring/dashboard/api/now.ts";
import { count, duration, plural } from "../format/figures.ts";
import { Badge } from "../parts/badge.tsx";
import type { IconName } from "../parts/icon.tsx";
import { Icon } from "../parts/icon.tsx";
import { Words } from "../parts/words.tsx";
import type { Shown } from "./steady-list.ts";
import { steadied } from "./steady-list.ts";
import { isUnderWay } from "./under-way.ts";

export function Verdict({ view, isStale }: { readonly view: NowView | null; readonly isStale: boolean }) {
  const shown = useSteady(view);
  const now = shown.filter(({ overSinceMs }) => overSinceMs === null);
  const { icon, tone, words } = view === null ? reading : isStale ? stale : judged(now);
  return (
    <section class={`verdict tone-${tone}`} aria-label="How it stands">
      <div class="verdict-head">
        <Icon name={icon} />
        <h1 tabIndex={-1}>{words}</h1>
        <p class="verdict-facts">{view === null ? " " : factsOf(view)}</p>
      </div>
      {shown.length > 0 && (
        <ul class="troubles">
          {shown.map((one) => (
            <Trouble key={one.entry.id} shown={one} />
          ))}
        </ul>
      )}
    </section>
  );
}

function useSteady(view: NowView | null): readonly Shown[] {
  const [shown, show] = useState<readonly Shown[]>([]);
  useEffect(() => {
    if (view !== null) show((before) => steadied(before, view.unhealthy, view.atMs));
  }, [view]);
  return shown;
}

interface Judgement {
  readonly icon: IconName;
  readonly tone: string;
  readonly words: string;
}

const reading: Judgement = { icon: "stale", tone: "quiet", words: "Reading how it stands" };
const stale: Judgement = { icon: "stale", tone: "warning", words: "Nobody knows now: this is how it stood" };

function judged(now: readonly Shown[]): Judgement {
  const problems = now.filter(({ entry }) => entry.level === "problem").length;
  const warnings = now.filter(({ entry }) => entry.level === "warning").length;
  const said = [problems > 0 && plural(problems, "problem"), warnings > 0 && plural(warnings, "warning")];
  const words = said.filter((part) => part !== false).join(", ");
  if (problems > 0) return { icon: "problem", tone: "problem", words };
  if (warnings > 0) return { icon: "warning", tone: "warning", words };
  return { icon: "good", tone: "good", words: "All is well" };
}

function factsOf({ second, workers, pools }: NowView): string {
  const partitions = pools.reduce((sum, pool) => sum + pool.partitions.length, 0);
  const serving = workers.filter(({ state }) => state === "serves").length;
  const word = isUnderWay(second) ? "under way" : "waiting";
  const waiting = second.lag === 0 ? "nothing waits" : `${count(second.lag)} ${word}`;
  const oldest = second.lag > 0 && second.oldestMs !== null ? `, the oldest for ${duration(second.oldestMs)}` : "";
  const owned = `${partitions - second.unownedPartitions} of ${plural(partitions, "partition")} owned`;
  return `${plural(serving, "worker serves", "workers serve")} · ${owned} · ${waiting}${oldest}`;
}

function Trouble({ shown }: { readonly shown: Shown }) {
  const { entry, overSinceMs } = shown;
  const { level, text, remedy, where } = entry;
  return (
    <li class={`notice tone-${level} ${overSinceMs === null ? "" : "is-over"}`}>
      <Icon name={overSinceMs === null ? level : "good"} />
      <div class="notice-text">
        <p>
          <span class="unseen">{level}: </span>
          <strong>
            <Words text={text} />
          </strong>{" "}
          {overSinceMs !== null && <Badge tone="good">over</Badge>}
        </p>
        <p class="notice-remedy">
          <Words text={remedy} />
        </p>
      </div>
      {where !== null && where !== "/" && where !== "/now" && (
        <a class="button" href={where} aria-label={`Look into it: ${text}`}>
          Look into it
        </a>
      )}
    </li>
  );
}
