// A long list in pages, which the server cuts: back and forth by the cursors that it has given. Who presses a button twice before
// the page is there turns it once; no button is disabled meanwhile, as it would lose the focus.

import { useState } from "preact/hooks";
import type { Page } from "../../../src/monitoring/dashboard/api/page.ts";
import { exact } from "../format/figures.ts";

export interface Pages {
  /** Of the page that is wanted; null: the first. */
  readonly cursor: string | null;
  /** How many pages are before this one. */
  readonly before: number;
  readonly next: (cursor: string) => void;
  readonly previous: () => void;
}

/** Another filter begins at the first page. */
export function usePages(filter: string): Pages {
  const [held, hold] = useState<{ readonly filter: string; readonly cursors: readonly string[] }>({
    filter,
    cursors: [],
  });
  const cursors = held.filter === filter ? held.cursors : [];
  return {
    cursor: cursors.at(-1) ?? null,
    before: cursors.length,
    // The page that has given the cursor by which one came here is the one before: it is still shown.
    next: (cursor) => cursor !== cursors.at(-1) && hold({ filter, cursors: [...cursors, cursor] }),
    previous: () => hold({ filter, cursors: cursors.slice(0, -1) }),
  };
}

export interface PagerProps {
  readonly pages: Pages;
  readonly page: Page<unknown>;
  readonly pageLength: number;
  /** What is shown is not yet the page that is wanted. */
  readonly isReading: boolean;
}

export function Pager({ pages, page, pageLength, isReading }: PagerProps) {
  const first = pages.before * pageLength;
  const { cursor, rows, total } = page;
  if (total <= rows.length && pages.before === 0) return null;
  return (
    <nav class="pager" aria-label="Pages">
      <span aria-live="polite">
        {isReading ? "Reading …" : `${exact(first + 1)} to ${exact(first + rows.length)} of ${exact(total)}`}
      </span>
      <button type="button" disabled={pages.before === 0} onClick={pages.previous}>
        Previous
      </button>
      <button type="button" disabled={cursor === null} onClick={() => cursor !== null && pages.next(cursor)}>
        Next
      </button>
    </nav>
  );
}
