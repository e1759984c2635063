// A topic of the live stream, heard for as long as a component is on the page.

import { useEffect, useRef } from "preact/hooks";
import type { LiveEvents, LiveTopic } from "../../../src/monitoring/dashboard/api/live.ts";
import { listen } from "./live.ts";

export function useLive<Topic extends LiveTopic>(
  topic: Topic,
  hear: (data: LiveEvents[Topic]) => void,
  pattern?: string,
  only?: string,
): void {
  const latest = useRef(hear);
  latest.current = hear;
  useEffect(() => listen(topic, (data) => latest.current(data), pattern, only), [topic, pattern, only]);
}
