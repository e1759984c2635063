// The views of the page, in the order of the navigation.

import type { ComponentType } from "preact";
import { ActorsView } from "../actors/actors-view.tsx";
import { MemoryView } from "../memory/memory-view.tsx";
import { MessagesView } from "../messages/messages-view.tsx";
import { NowView } from "../now/now-view.tsx";
import type { IconName } from "../parts/icon.tsx";
import { WorkflowsView } from "../workflows/workflows-view.tsx";

export interface View {
  /** First part of its address, and its drawing. "now" is at "/" too. */
  readonly at: IconName;
  readonly name: string;
  readonly Content: ComponentType;
}

export const views: readonly View[] = [
  { at: "now", name: "Now", Content: NowView },
  { at: "actors", name: "Actors", Content: ActorsView },
  { at: "workflows", name: "Workflows", Content: WorkflowsView },
  { at: "memory", name: "Memory", Content: MemoryView },
  { at: "messages", name: "Messages", Content: MessagesView },
];
