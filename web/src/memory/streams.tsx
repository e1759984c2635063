// The streams that hold everything: how full each is, how it grows, and when its limit is reached if it goes on so.

import type { StreamRow } from "../../../src/monitoring/dashboard/api/memory.ts";
import { bytes, exact, share } from "../format/figures.ts";
import { exactTime } from "../format/times.ts";
import { secondNow } from "../page-clock.ts";
import { Badge } from "../parts/badge.tsx";
import { Chart } from "../parts/chart.tsx";
import { Meter } from "../parts/meter.tsx";
import { Panel } from "../parts/panel.tsx";
import { Empty } from "../parts/states.tsx";
import { alignedOf, forecastOf, growthOf } from "./growth.ts";

const chartsMax = 4;
const leastSpanMs = 300_000;

export function Streams({ streams }: { readonly streams: readonly StreamRow[] }) {
  // Those that are soon full first, then the largest.
  const sorted = streams.toSorted(
    (one, other) => (one.fullAtMs ?? Infinity) - (other.fullAtMs ?? Infinity) || other.bytes - one.bytes || 0,
  );
  return (
    <Panel title="Streams">
      {sorted.length === 0 && <Empty title="No stream has been looked at yet" />}
      <ul class="streams">
        {sorted.map((stream) => (
          <Stream key={stream.role} stream={stream} />
        ))}
      </ul>
      <GrowthChart streams={sorted} />
    </Panel>
  );
}

function Stream({ stream }: { readonly stream: StreamRow }) {
  const { role, name, bytesMax, messages, bytesPerHour, fullAtMs } = stream;
  const forecast = forecastOf(stream, secondNow.value);
  return (
    <li class="stream">
      <p class="stream-name" title={name}>
        {role} <span class="quiet">{name}</span>
      </p>
      <p class="stream-bytes">
        <b>{bytes(stream.bytes)}</b>
        <span class="quiet"> {bytesMax === null ? "" : `of ${bytes(bytesMax)} `}</span>
        {bytesMax !== null && (
          <Meter
            of={bytesMax === 0 ? null : stream.bytes / bytesMax}
            label={`${role} is full by`}
            text={share(stream.bytes / bytesMax)}
          />
        )}
      </p>
      <p class="quiet">
        {exact(messages)} messages · {growthOf(bytesPerHour)}
      </p>
      <p title={fullAtMs === null ? undefined : exactTime(fullAtMs)}>
        {forecast.tone === "quiet" ? (
          <span class="quiet">{forecast.text}</span>
        ) : (
          <Badge tone={forecast.tone}>{forecast.text}</Badge>
        )}
      </p>
    </li>
  );
}

/** The largest streams over the time that is watched. */
function GrowthChart({ streams }: { readonly streams: readonly StreamRow[] }) {
  const drawn = streams
    .filter(({ past }) => past.length > 1)
    .toSorted((one, other) => other.bytes - one.bytes)
    .slice(0, chartsMax);
  const { times, lines } = alignedOf(drawn.map(({ past }) => past));
  const [first, last] = [times.at(0), times.at(-1)];
  if (first === undefined || last === undefined) return null;
  return (
    <Chart
      label="Bytes of the largest streams"
      times={times}
      series={drawn.map(({ role }, at) => ({ name: role, values: lines[at] ?? [] }))}
      format={bytes}
      topMin={10_000}
      spanMs={Math.max(leastSpanMs, last - first)}
    />
  );
}
