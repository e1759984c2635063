// A JSON value as a tree that opens and closes, by keyboard too. Members that change while one looks light up; members that a
// patch has touched are marked, with a sign besides the colour. Long lists are shown in parts, so that a state of 1 MB freezes
// nothing. Every value is text, never HTML.

import { useState } from "preact/hooks";
import { CopyButton } from "./copy-button.tsx";
import { useFlash } from "./flash.ts";
import { escaped } from "./json-pointer.ts";

export type Mark = "added" | "changed" | "removed";
/** By JSON pointer (RFC 6901): "" is the whole value. */
export type Marks = ReadonlyMap<string, Mark>;

export interface JsonTreeProps {
  readonly value: unknown;
  /** What it is, for whoever cannot see where it stands: "state of desk/anna". */
  readonly label: string;
  readonly marks?: Marks | undefined;
  /** Levels that are open at first. Default 2. */
  readonly openLevels?: number;
}

const partLength = 100;
const textLengthMax = 400;
const signs = { added: "+", changed: "~", removed: "−" } as const;

export function JsonTree({ value, label, marks, openLevels = 2 }: JsonTreeProps) {
  return (
    <section class="json" aria-label={label}>
      <div class="json-copy">
        <CopyButton text={JSON.stringify(value, null, 2) ?? "undefined"} what={label} />
      </div>
      <Node name={null} value={value} pointer="" marks={marks} levels={openLevels} />
    </section>
  );
}

interface NodeProps {
  readonly name: string | null;
  readonly value: unknown;
  readonly pointer: string;
  readonly marks: Marks | undefined;
  readonly levels: number;
}

function Node(props: NodeProps) {
  const { value } = props;
  const hasMembers = typeof value === "object" && value !== null && Object.keys(value).length > 0;
  return hasMembers ? <Branch {...props} /> : <Leaf {...props} />;
}

function Leaf({ name, value, pointer, marks }: NodeProps) {
  // An empty list is another object each time that the state is read.
  const shown = useFlash<HTMLDivElement>(JSON.stringify(value));
  const mark = marks?.get(pointer);
  return (
    <div ref={shown} class={`json-leaf ${mark === undefined ? "" : `is-${mark}`}`}>
      <MarkSign mark={mark} />
      <Name name={name} />
      <Text value={value} />
    </div>
  );
}

function MarkSign({ mark }: { readonly mark: Mark | undefined }) {
  if (mark === undefined) return null;
  return (
    <span class="json-mark" title={mark}>
      <span aria-hidden="true">{signs[mark]}</span>
      <span class="unseen">{mark}: </span>
    </span>
  );
}

const Name = ({ name }: { readonly name: string | null }) =>
  name === null ? null : <span class="json-name">{name}: </span>;

function Text({ value }: { readonly value: unknown }) {
  const [isWhole, showWhole] = useState(false);
  const text = JSON.stringify(value) ?? "undefined";
  if (text.length <= textLengthMax || isWhole) return <span class={`json-${kindOf(value)}`}>{text}</span>;
  return (
    <span class={`json-${kindOf(value)}`}>
      {text.slice(0, textLengthMax)}…{" "}
      <button type="button" class="link" onClick={() => showWhole(true)}>
        all {text.length.toLocaleString("en")} characters
      </button>
    </span>
  );
}

const kindOf = (value: unknown): string => (value === null || value === undefined ? "null" : typeof value);

function Branch({ name, value, pointer, marks, levels }: NodeProps) {
  const members = Object.entries(value as object);
  const [isOpen, setOpen] = useState(levels > 0);
  const [shownCount, show] = useState(partLength);
  const shown = useFlash<HTMLElement>(members.length);
  const isList = Array.isArray(value);
  const mark = marks?.get(pointer);
  const touched = mark ?? (marks !== undefined && isWithin(marks, pointer) ? "changed" : undefined);
  return (
    <details
      class={`json-branch ${mark === undefined ? "" : `is-${mark}`}`}
      open={isOpen}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary ref={shown}>
        <MarkSign mark={isOpen ? mark : touched} />
        <Name name={name} />
        <span class="json-size">{isList ? `[${members.length}]` : `{${members.length}}`}</span>
        {!isOpen && <span class="json-glimpse"> {glimpseOf(value)}</span>}
      </summary>
      {isOpen && (
        <div class="json-members">
          {members.slice(0, shownCount).map(([member, of]) => (
            <Node
              key={member}
              name={member}
              value={of}
              pointer={`${pointer}/${escaped(member)}`}
              marks={marks}
              levels={levels - 1}
            />
          ))}
          {members.length > shownCount && (
            <button type="button" class="link" onClick={() => show(shownCount + partLength)}>
              {members.length - shownCount} more
            </button>
          )}
        </div>
      )}
    </details>
  );
}

function isWithin(marks: Marks, pointer: string): boolean {
  for (const touched of marks.keys()) if (touched.startsWith(`${pointer}/`)) return true;
  return false;
}

function glimpseOf(value: unknown): string {
  const text = JSON.stringify(value) ?? "";
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`;
}
