// Now: is everything well, how much is done, who does it. Made to be understood in five seconds by somebody who was asleep.

import "./now.css";
import { isStale } from "../live/live.ts";
import { now, seconds } from "../live/now-store.ts";
import { BusiestMethods } from "./busiest-methods.tsx";
import { LiveCharts } from "./live-charts.tsx";
import { PartitionMap } from "./partition-map.tsx";
import { Verdict } from "./verdict.tsx";
import { WorkerTable } from "./worker-table.tsx";

export function NowView() {
  const view = now.value;
  return (
    <>
      <Verdict view={view} isStale={isStale.value} />
      <LiveCharts seconds={seconds.value} />
      <WorkerTable workers={view?.workers ?? []} />
      <div class="two-parts">
        <PartitionMap pools={view?.pools ?? []} workers={view?.workers ?? []} />
        <BusiestMethods methods={view?.methods ?? []} />
      </div>
    </>
  );
}
