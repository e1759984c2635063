// Rows of figures. A row that leads somewhere has a link in its first cell that the whole row answers to; up and down go from
// row to row, Home and End to the first and the last.

import type { ComponentChildren } from "preact";
import { useFlash } from "./flash.ts";

export interface Column<Row> {
  readonly id: string;
  readonly head: ComponentChildren;
  readonly cell: (row: Row) => ComponentChildren;
  /** Figures stand at the end, so that their digits stand below each other. */
  readonly align?: "end";
  /** Of the least use: left out where the page is narrow. */
  readonly isWideOnly?: boolean;
  /** Takes what room is left and cuts off what is longer. */
  readonly isFlexible?: boolean;
  /** Makes the head a button. `sorted` says which way it is sorted by this column now. */
  readonly sort?: { readonly by: () => void; readonly sorted: "ascending" | "descending" | "none" };
}

export interface DataTableProps<Row> {
  /** What it lists, for whoever cannot see where it stands. */
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly hrefOf?: (row: Row) => string;
  /** The row lights up when this is another value than before. */
  readonly flashOn?: (row: Row) => unknown;
  readonly toneOf?: (row: Row) => "problem" | "warning" | undefined;
  readonly isChosen?: (row: Row) => boolean;
  /** Shown in place of rows. */
  readonly empty?: ComponentChildren;
}

export function DataTable<Row>(props: DataTableProps<Row>) {
  const { columns, rows, keyOf } = props;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <div class="table-frame" tabIndex={0}>
      <table aria-label={props.label}>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column.id} column={column as Column<unknown>} />
            ))}
          </tr>
        </thead>
        <tbody onKeyDown={goBetweenRows}>
          {rows.map((row) => (
            <Line key={keyOf(row)} row={row} table={props} />
          ))}
        </tbody>
      </table>
      {rows.length === 0 && props.empty}
    </div>
  );
}

const classOf = (column: Pick<Column<unknown>, "align" | "isWideOnly" | "isFlexible">): string | undefined =>
  [column.align === "end" && "at-end", column.isWideOnly && "wide-only", column.isFlexible && "flexible"]
    .filter(Boolean)
    .join(" ") || undefined;

function Head({ column }: { readonly column: Column<unknown> }) {
  const { sort, head } = column;
  return (
    <th scope="col" class={classOf(column)} aria-sort={sort && sort.sorted !== "none" ? sort.sorted : undefined}>
      {sort === undefined ? (
        head
      ) : (
        <button type="button" class="sort" onClick={sort.by}>
          {head}
          <span aria-hidden="true">{{ ascending: "↑", descending: "↓", none: "" }[sort.sorted]}</span>
        </button>
      )}
    </th>
  );
}

function Line<Row>({ row, table }: { readonly row: Row; readonly table: DataTableProps<Row> }) {
  const shown = useFlash<HTMLTableRowElement>(table.flashOn?.(row));
  const href = table.hrefOf?.(row);
  const tone = table.toneOf?.(row);
  const classes = [href && "leads", tone && `tone-${tone}`, table.isChosen?.(row) && "chosen"].filter(Boolean);
  return (
    <tr ref={shown} class={classes.join(" ") || undefined}>
      {table.columns.map((column, at) => (
        <td key={column.id} class={classOf(column as Column<unknown>)}>
          {at === 0 && href !== undefined ? (
            <a class="row-link" href={href} aria-current={table.isChosen?.(row) ? "true" : undefined}>
              {column.cell(row)}
            </a>
          ) : (
            column.cell(row)
          )}
        </td>
      ))}
    </tr>
  );
}

function goBetweenRows(event: KeyboardEvent): void {
  const here = (event.target as Element).closest("tr");
  const rows = [...(here?.parentElement?.children ?? [])];
  const at = rows.indexOf(here as Element);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (next === undefined || event.target instanceof HTMLInputElement) return;
  const target = rows[next]?.querySelector<HTMLElement>("a, button, input, summary");
  if (target === undefined || target === null) return;
  event.preventDefault();
  target.focus();
}
