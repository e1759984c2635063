// What a change did to a value, line by line: where, what stood there, what stands there now.

import { at } from "./json-pointer.ts";
import type { PatchStep } from "./patch-step.ts";

export interface JsonDiffProps {
  readonly label: string;
  /** RFC 6902, from `before` to what came after it. */
  readonly patch: readonly PatchStep[];
  /** Undefined: there was none that is still kept. */
  readonly before: unknown;
}

const stepsMax = 200;
const signs: Readonly<Record<string, { readonly sign: string; readonly word: string; readonly mark: string }>> = {
  add: { sign: "+", word: "added", mark: "added" },
  remove: { sign: "−", word: "removed", mark: "removed" },
};
const replaced = { sign: "~", word: "changed", mark: "changed" };

export function JsonDiff({ label, patch, before }: JsonDiffProps) {
  if (patch.length === 0)
    return <p class="quiet">The state is the same as before: only mail or sends were committed.</p>;
  return (
    <>
      <ul class="diff" aria-label={label}>
        {patch.slice(0, stepsMax).map((step, at) => (
          <DiffLine key={at} step={step} before={before} />
        ))}
      </ul>
      {patch.length > stepsMax && <p class="quiet">and {patch.length - stepsMax} more</p>}
    </>
  );
}

function DiffLine({ step, before }: { readonly step: PatchStep; readonly before: unknown }) {
  const { sign, word, mark } = signs[step.op] ?? replaced;
  const old = step.op === "add" ? undefined : at(before, step.path);
  return (
    <li class={`is-${mark}`}>
      <span aria-hidden="true" class="diff-sign">
        {sign}
      </span>
      <span class="unseen">{word} </span>
      <code class="diff-path">{step.path === "" ? "(all of it)" : step.path}</code>
      {old !== undefined && <del>{brief(old)}</del>}
      {step.op !== "remove" && <ins>{brief(step.value)}</ins>}
    </li>
  );
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length <= 300 ? text : `${text.slice(0, 299)}…`;
}
