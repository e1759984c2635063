// The last five minutes in six charts, each with the figure of the last second in large print.

import { useMemo } from "preact/hooks";
import type { Second } from "../../../src/monitoring/dashboard/api/now.ts";
import type { Measure } from "../format/figures.ts";
import { count, duration, durationParts, unknown } from "../format/figures.ts";
import { withGaps } from "../live/joined-seconds.ts";
import { Chart } from "../parts/chart.tsx";
import { Panel } from "../parts/panel.tsx";
import { isUnderWay } from "./under-way.ts";

const spanMs = 300_000;

interface ChartPlan {
  readonly title: string;
  /** In large print: of the last second. */
  readonly figure: (second: Second | undefined) => Measure;
  readonly beside: (second: Second | undefined) => string;
  readonly lines: readonly { readonly name: string; readonly of: (second: Second) => number | null }[];
  readonly format: (value: number | null) => string;
  readonly topMin: number;
}

const perSecond = (value: number | null | undefined): Measure => ({ value: count(value), unit: "/s" });

const plans: readonly ChartPlan[] = [
  {
    title: "Turns",
    figure: (second) => perSecond(second?.turnsPerS),
    beside: (second) => `${count(second?.activations)} actors in memory`,
    lines: [
      { name: "asks", of: ({ asksPerS }) => asksPerS },
      { name: "tells", of: ({ tellsPerS }) => tellsPerS },
      { name: "queries", of: ({ queriesPerS }) => queriesPerS },
    ],
    format: count,
    topMin: 10,
  },
  {
    title: "Turn latency, p99",
    figure: (second) => durationParts(second?.turnP99Ms),
    beside: (second) => `p50 ${duration(second?.turnP50Ms)}`,
    lines: [
      { name: "p50", of: ({ turnP50Ms }) => turnP50Ms },
      { name: "p95", of: ({ turnP95Ms }) => turnP95Ms },
      { name: "p99", of: ({ turnP99Ms }) => turnP99Ms },
    ],
    format: duration,
    topMin: 5,
  },
  {
    title: "Messages waiting",
    figure: (second) => ({ value: count(second?.lag), unit: "" }),
    beside: (second) => {
      if (second?.oldestMs == null) return "none is old";
      return `${isUnderWay(second) ? "under way for" : "oldest"} ${duration(second.oldestMs)}`;
    },
    lines: [{ name: "waiting", of: ({ lag }) => lag }],
    format: count,
    topMin: 10,
  },
  {
    title: "Failures",
    figure: (second) => perSecond(second?.failedPerS),
    beside: (second) => `${count(second?.deadPerS)} dead letters/s`,
    lines: [
      { name: "failed", of: ({ failedPerS }) => failedPerS },
      { name: "retried", of: ({ retriedPerS }) => retriedPerS },
      { name: "dead", of: ({ deadPerS }) => deadPerS },
    ],
    format: count,
    topMin: 5,
  },
  {
    title: "Conflicts",
    figure: (second) => perSecond(second?.conflictsPerS),
    beside: () => "lost races for a key",
    lines: [{ name: "conflicts", of: ({ conflictsPerS }) => conflictsPerS }],
    format: count,
    topMin: 5,
  },
  {
    title: "Commits",
    figure: (second) => perSecond(second?.commitsPerS),
    beside: ({ turnsPerCommit = null, commitP99Ms = null } = {} as Second) =>
      `${turnsPerCommit === null ? unknown : turnsPerCommit.toFixed(1)} turns each · p99 ${duration(commitP99Ms)}`,
    lines: [{ name: "commits", of: ({ commitsPerS }) => commitsPerS }],
    format: count,
    topMin: 10,
  },
];

export function LiveCharts({ seconds }: { readonly seconds: readonly Second[] }) {
  const shown = useMemo(() => {
    const from = (seconds.at(-1)?.atMs ?? 0) - spanMs;
    return seconds.filter(({ atMs }) => atMs >= from);
  }, [seconds]);
  return (
    <div class="charts" data-at={shown.at(-1)?.atMs}>
      {plans.map((plan) => (
        <LiveChart key={plan.title} plan={plan} seconds={shown} />
      ))}
    </div>
  );
}

function LiveChart({ plan, seconds }: { readonly plan: ChartPlan; readonly seconds: readonly Second[] }) {
  const last = seconds.at(-1);
  const { value, unit } = plan.figure(last);
  const moments = useMemo(() => withGaps(seconds), [seconds]);
  const times = useMemo(() => moments.map(({ atMs }) => atMs), [moments]);
  const series = useMemo(
    () =>
      plan.lines.map(({ name, of }) => {
        return { name, values: moments.map(({ second }) => (second === null ? null : of(second))) };
      }),
    [moments, plan],
  );
  return (
    <Panel title={plan.title} aside={<span class="tile-beside">{plan.beside(last)}</span>} class="tile">
      <p class="tile-figure" data-figure={plan.title}>
        {value}
        <span class="tile-unit"> {unit}</span>
      </p>
      <Chart
        label={`${plan.title}, last five minutes`}
        times={times}
        series={series}
        format={plan.format}
        topMin={plan.topMin}
        spanMs={spanMs}
        heightPx={120}
      />
    </Panel>
  );
}
