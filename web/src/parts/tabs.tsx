// Ways through a view, as links: each has an address of its own, so "back" and a sent link work.

export interface TabItem {
  readonly name: string;
  readonly href: string;
  readonly isHere: boolean;
  /** How many there are, when that is worth knowing before one goes there. */
  readonly count?: string | undefined;
}

export function Tabs({ label, items }: { readonly label: string; readonly items: readonly TabItem[] }) {
  return (
    <nav class="tabs" aria-label={label}>
      {items.map(({ name, href, isHere, count }) => (
        <a key={name} href={href} aria-current={isHere ? "page" : undefined}>
          {name}
          {count !== undefined && <span class="tab-count">{count}</span>}
        </a>
      ))}
    </nav>
  );
}
