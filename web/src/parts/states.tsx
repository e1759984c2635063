// What stands where there is nothing to show: nothing there yet, still reading, or a problem with what to do about it.

import type { ComponentChildren } from "preact";
import type { Problem } from "../../../src/monitoring/dashboard/api/page.ts";
import { Icon } from "./icon.tsx";
import { Words } from "./words.tsx";

/** Nothing there, and that is no fault: says what would be here and how it comes to be. */
export function Empty(props: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{props.title}</p>
      {props.children && <div class="empty-text">{props.children}</div>}
    </div>
  );
}

export function Loading({ what }: { readonly what: string }) {
  return (
    <p class="loading" role="status">
      Reading {what} …
    </p>
  );
}

export function ProblemBox(props: { readonly problem: Problem; readonly onRetry?: (() => void) | undefined }) {
  const { code, message, remedy } = props.problem;
  return (
    <div class="notice tone-problem" role="alert">
      <Icon name="problem" />
      <div class="notice-text">
        <p>
          <code>{code}</code> <Words text={message} />
        </p>
        {remedy !== "" && (
          <p class="notice-remedy">
            <Words text={remedy} />
          </p>
        )}
      </div>
      {props.onRetry && (
        <button type="button" onClick={props.onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
