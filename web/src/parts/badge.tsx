// A short word about how something stands. Its drawing and its word say it without the colour.

import type { ComponentChildren } from "preact";
import type { IconName } from "./icon.tsx";
import { Icon } from "./icon.tsx";
import type { Tone } from "./tone.ts";

export function Badge(props: { readonly tone: Tone; readonly icon?: IconName; readonly children: ComponentChildren }) {
  const drawn = props.icon ?? (props.tone === "quiet" ? undefined : props.tone);
  return (
    <span class={`badge tone-${props.tone}`}>
      {drawn && <Icon name={drawn} />}
      {props.children}
    </span>
  );
}
