// Lost races of compare-and-set, by what they were about and when. Drawn as a table, so that each cell can be read out too.

import { useEffect, useRef } from "preact/hooks";
import type { ConflictMap } from "../../../src/monitoring/dashboard/api/memory.ts";
import { exact, plural } from "../format/figures.ts";
import { timeOfDay } from "../format/times.ts";
import { Panel } from "../parts/panel.tsx";
import { Empty } from "../parts/states.tsx";
import { heatOf, shadesMax } from "./conflict-heat.ts";

const columnsMax = 20;
const shades = Array.from({ length: shadesMax }, (_, at) => at + 1);

export function ConflictHeatMap({ conflicts }: { readonly conflicts: ConflictMap }) {
  const rows = heatOf(conflicts, columnsMax);
  const total = rows.reduce((sum, row) => sum + row.total, 0);
  const frame = useRef<HTMLElement>(null);
  // Where not all of it has room, the newest is what is looked for.
  useEffect(() => frame.current?.scrollTo({ left: frame.current.scrollWidth }), [rows.length === 0]);
  return (
    <Panel title="Conflicts" aside={<span class="quiet">{plural(total, "lost race")} in the last ten minutes</span>}>
      {rows.length === 0 ? (
        <Empty title="No race was lost">
          When two write the same key at once, one of them reads it again and tries once more: it is counted here, by
          what it was about. Many of them for long mean that one key is wanted by too many.
        </Empty>
      ) : (
        <>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
          <section ref={frame} class="heat-frame" aria-label="Lost races by half minute" tabIndex={0}>
            <table class="heat">
              <thead>
                <tr>
                  <th scope="col">About</th>
                  <th scope="col" class="at-end">
                    Lost
                  </th>
                  {rows[0]?.cells.map(({ fromMs }, at) => (
                    <th key={fromMs} scope="col" class="heat-time">
                      <span class={at % 4 === 0 ? undefined : "unseen"}>{timeOfDay(fromMs).slice(0, 5)}</span>
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {rows.map(({ what, total: sum, cells }) => (
                  <tr key={what}>
                    <th scope="row" title={what}>
                      <bdi>{what}</bdi>
                    </th>
                    <td class="at-end">{exact(sum)}</td>
                    {cells.map(({ fromMs, count, shade }) => (
                      <td
                        key={fromMs}
                        class={`heat-cell shade-${shade}`}
                        title={`${timeOfDay(fromMs)}: ${plural(count, "lost race")}`}
                      >
                        {count > 0 ? count : <span class="unseen">0</span>}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
          <p class="heat-legend quiet" aria-hidden="true">
            few{" "}
            {shades.map((shade) => (
              <span key={shade} class={`heat-swatch shade-${shade}`} />
            ))}{" "}
            many, by doublings
          </p>
        </>
      )}
    </Panel>
  );
}
