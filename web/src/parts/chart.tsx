// Figures over time. Drawn on a canvas, so what it shows is also said in text: the latest values (or those under the pointer)
// in the legend, the range for a screen reader. Each line has a dash of its own besides its colour.

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { timeOfDay } from "../format/times.ts";
import { isDark } from "../theme.ts";
import { roundedUp } from "./axis.ts";

export interface ChartSeries {
  readonly name: string;
  /** As many as there are times; null: not known, a gap. */
  readonly values: readonly (number | null)[];
}

export interface ChartProps {
  readonly label: string;
  /** Epoch ms, oldest first. */
  readonly times: readonly number[];
  /** At most four. */
  readonly series: readonly ChartSeries[];
  /** A value with its unit, short: it stands on the axis too. */
  readonly format: (value: number | null) => string;
  /** The axis reaches at least so far up, so that noise near 0 looks like noise. */
  readonly topMin: number;
  /** How much time it shows. Default 300,000 ms. */
  readonly spanMs?: number;
  readonly heightPx?: number;
}

const dashes: readonly (readonly number[])[] = [[], [6, 3], [2, 3], [9, 3, 2, 3]];

export function Chart(props: ChartProps) {
  const { label, times, series, format, topMin, spanMs = 300_000, heightPx = 132 } = props;
  const ground = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [under, setUnder] = useState<number | null>(null);
  const dark = isDark.value;
  const names = series.map(({ name }) => name).join();

  useEffect(() => {
    const place = ground.current;
    if (place === null) return;
    const made = new uPlot(optionsOf(latest, place.clientWidth, heightPx, setUnder), dataOf(latest.current), place);
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: place.clientWidth, height: heightPx }));
    watch.observe(place);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, [names, dark, heightPx]);

  useEffect(() => plot.current?.setData(dataOf(latest.current)), [times, series, topMin, spanMs]);

  const at = under !== null && under < times.length ? under : times.length - 1;
  return (
    <figure class="chart" aria-label={label}>
      <div class="chart-ground" ref={ground} aria-hidden="true" style={{ height: heightPx }} />
      <Legend series={series} at={at} format={format} time={under === null ? null : (times[at] ?? null)} />
      <Range series={series} format={format} />
    </figure>
  );
}

interface LegendProps {
  readonly series: readonly ChartSeries[];
  readonly at: number;
  readonly format: (value: number | null) => string;
  readonly time: number | null;
}

function Legend({ series, at, format, time }: LegendProps) {
  return (
    <figcaption class="legend">
      {series.map(({ name, values }, nth) => (
        <span key={name} class="legend-entry">
          <svg class={`swatch series-${nth + 1}`} viewBox="0 0 22 4" aria-hidden="true" focusable="false">
            <line x1="0" y1="2" x2="22" y2="2" stroke-dasharray={dashes[nth]?.join(" ")} />
          </svg>
          {name} <b>{format(values[at] ?? null)}</b>
        </span>
      ))}
      <span class="legend-time" aria-hidden="true">
        {time === null ? "" : timeOfDay(time)}
      </span>
    </figcaption>
  );
}

function Range({ series, format }: Pick<ChartProps, "series" | "format">) {
  const said = series.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return `${name}: nothing known`;
    return `${name}: from ${format(Math.min(...known))} to ${format(Math.max(...known))}`;
  });
  return <p class="unseen">Shown: {said.join("; ")}.</p>;
}

const dataOf = ({ times, series }: ChartProps): uPlot.AlignedData => [
  times.map((atMs) => atMs / 1_000),
  ...series.map(({ values }) => values as (number | null)[]),
];

function optionsOf(
  latest: { readonly current: ChartProps },
  width: number,
  height: number,
  onCursor: (at: number | null) => void,
): uPlot.Options {
  const ink = color("--ink-3");
  const axis = { stroke: ink, font: "11px system-ui, sans-serif", ticks: { show: false } };
  const grid = { stroke: color("--line"), width: 1 };
  return {
    width,
    height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, sync: { key: "charts" }, drag: { x: false, y: false }, points: { size: 6 } },
    hooks: { setCursor: [(made) => onCursor(made.cursor.idx ?? null)] },
    scales: {
      x: { range: () => spanOf(latest.current) },
      y: { range: (_made, _min, max) => [0, roundedUp(Math.max(latest.current.topMin, max ?? 0))] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 22, space: 80, values: timesOf },
      {
        ...axis,
        grid,
        size: 52,
        splits: (_made, _axis, _min, max) => [0, max / 2, max],
        values: (_made, marks) => marks.map((mark) => latest.current.format(mark)),
      },
    ],
    series: [
      {},
      ...latest.current.series.map((_, nth) => ({
        stroke: color(`--series-${nth + 1}`),
        width: 1.5,
        dash: [...(dashes[nth] ?? [])],
        points: { show: false },
      })),
    ],
  };
}

function spanOf({ times, spanMs = 300_000 }: ChartProps): [number, number] {
  const end = (times.at(-1) ?? Date.parse("2026-01-01")) / 1_000;
  return [end - spanMs / 1_000, end];
}

/** To the second where several marks stand in one minute. */
function timesOf(_made: uPlot, marks: readonly number[]): string[] {
  const [first = 0, second = first + 60] = marks;
  return marks.map((mark) => timeOfDay(mark * 1_000).slice(0, second - first < 60 ? 8 : 5));
}

/** A canvas knows no custom properties: an element says what color one is now. */
function color(name: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
