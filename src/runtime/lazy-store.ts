// Buckets that are opened by whoever needs them first: a client that has nothing to do with them does not wait for them.

export interface Lazy<Opened> {
  /** The same for all callers. One that failed is tried again by the next call. */
  open(): Promise<Opened>;
  /** Closes what was opened, when it is ours to close. */
  close(): Promise<void>;
}

export function lazily<Opened>(
  open: () => Promise<Opened>,
  close: (opened: Opened) => Promise<void> = async () => {},
): Lazy<Opened> {
  let opening: Promise<Opened> | undefined;
  return {
    open: () => {
      opening ??= open().catch((thrown: unknown) => {
        opening = undefined;
        throw thrown;
      });
      return opening;
    },
    close: async () => {
      const opened = await opening?.catch(() => undefined);
      if (opened !== undefined) await close(opened);
    },
  };
}
