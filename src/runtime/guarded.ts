// Calls into functions that were handed to us.

/** What such a function throws is a bug of its own; it must not end the connection that it was called from. */
export function guarded<Value>(fn: (value: Value) => void, value: Value): void {
  try {
    fn(value);
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown;
    });
  }
}
