// What is remembered in one scope: its log, its facts with their past, and what recall would find and why.

import "./memory.css";
import { MemoryFacts } from "./memory-facts.tsx";
import { MemoryLog } from "./memory-log.tsx";
import { RecallBox } from "./recall-box.tsx";

export function MemoryPanel({ scope }: { readonly scope: string }) {
  return (
    <div class="memory-panel">
      <RecallBox scope={scope} />
      <MemoryFacts scope={scope} />
      <MemoryLog scope={scope} />
    </div>
  );
}
