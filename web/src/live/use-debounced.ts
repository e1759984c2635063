// A value once it has stood still: what somebody types is asked for when they pause, not at each letter.

import { useEffect, useState } from "preact/hooks";
import { later } from "../page-clock.ts";

export function useDebounced<Value>(value: Value, ms = 200): Value {
  const [settled, settle] = useState(value);
  useEffect(() => later(ms, () => settle(value)), [value, ms]);
  return settled;
}
