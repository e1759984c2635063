// Which worker owns which partition, and what waits in each. One cell for each partition: the owner's letter on its colour, and
// below it how many messages wait. Arrow keys go from cell to cell; the line below says it in words.

import { useState } from "preact/hooks";
import type { PartitionCell, PoolRow, WorkerRow } from "../../../src/monitoring/dashboard/api/now.ts";
import { count, duration, exact, plural } from "../format/figures.ts";
import { Panel } from "../parts/panel.tsx";
import { Mark } from "./owner-mark.tsx";
import { markOf } from "./owner-marks.ts";
import { isUnderWay } from "./under-way.ts";
import { nameOfWorker } from "./worker-table.tsx";

export interface PartitionMapProps {
  readonly pools: readonly PoolRow[];
  readonly workers: readonly WorkerRow[];
}

export function PartitionMap({ pools, workers }: PartitionMapProps) {
  const names = new Map(workers.map((row) => [row.worker, nameOfWorker(row)]));
  return (
    <Panel title="Partitions" class="partitions">
      <div class="panel-body">
        {pools.map((pool) => (
          <PoolCells key={pool.pool} pool={pool} names={names} isOnly={pools.length === 1} />
        ))}
        <p class="owners">
          {workers.map((row) => (
            <span key={row.worker}>
              <Mark worker={row.worker} /> {nameOfWorker(row)}
            </span>
          ))}
        </p>
      </div>
    </Panel>
  );
}

interface PoolCellsProps {
  readonly pool: PoolRow;
  readonly names: ReadonlyMap<string, string>;
  readonly isOnly: boolean;
}

function PoolCells({ pool, names, isOnly }: PoolCellsProps) {
  const [chosen, choose] = useState<number | null>(null);
  const cells = pool.partitions;
  const shown = cells[chosen ?? -1];
  return (
    <>
      {!isOnly && <h3>Pool {pool.pool}</h3>}
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for what one fills in */}
      <div class="cells" role="group" aria-label={`Partitions of pool ${pool.pool}`} onKeyDown={goBetweenCells}>
        {cells.map((cell, at) => (
          <button
            key={cell.partition}
            type="button"
            tabIndex={at === (chosen ?? 0) ? 0 : -1}
            class={`cell ${cell.owner === null ? "is-unowned" : `owner-${markOf(cell.owner).color}`} ${hasLate(cell) ? "has-lag" : ""}`}
            aria-label={wordsFor(cell, names)}
            title={wordsFor(cell, names)}
            onFocus={() => choose(at)}
            onClick={() => choose(at)}
          >
            {cell.owner === null ? "!" : markOf(cell.owner).letter}
            {hasLate(cell) && <span class="cell-lag">{count(cell.lag)}</span>}
          </button>
        ))}
      </div>
      <p class="cell-words">{shown === undefined ? summaryOf(pool) : wordsFor(shown, names)}</p>
    </>
  );
}

function wordsFor(
  { partition, owner, epoch, lag, oldestMs }: PartitionCell,
  names: ReadonlyMap<string, string>,
): string {
  const who = owner === null ? "nobody owns it" : `owned by ${names.get(owner) ?? owner.slice(0, 8)}`;
  const waits =
    lag === 0
      ? "nothing waits"
      : `${exact(lag)} ${isUnderWay({ lag, oldestMs }) ? "under way" : "waiting"}${oldestMs === null ? "" : `, the oldest for ${duration(oldestMs)}`}`;
  return `Partition ${partition}: ${who}, epoch ${epoch}, ${waits}`;
}

const hasLate = (cell: PartitionCell): boolean => cell.lag > 0 && !isUnderWay(cell);

function summaryOf({ partitions }: PoolRow): string {
  const unowned = partitions.filter(({ owner }) => owner === null).length;
  const late = partitions.filter(hasLate).length;
  return [
    unowned === 0 ? `All ${partitions.length} have an owner` : `${plural(unowned, "partition")} without an owner (!)`,
    late === 0 ? "nothing waits in any" : `messages wait in ${late}`,
  ].join(", ");
}

function goBetweenCells(event: KeyboardEvent): void {
  const cells = [...((event.currentTarget as HTMLElement).children as HTMLCollectionOf<HTMLElement>)];
  const at = cells.indexOf(event.target as HTMLElement);
  // Cells wrap: those of one line have the same top.
  const top = cells[0]?.offsetTop;
  const across = cells.findIndex(({ offsetTop }) => offsetTop !== top);
  const line = across === -1 ? cells.length : across;
  const steps: Readonly<Record<string, number>> = {
    ArrowRight: at + 1,
    ArrowLeft: at - 1,
    ArrowDown: at + line,
    ArrowUp: at - line,
  };
  const next = { ...steps, Home: 0, End: cells.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  cells[next]?.focus();
}
