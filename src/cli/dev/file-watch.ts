// Which of a set of files have changed since they were loaded.
//
//   W1. A change is never missed: a file counts as changed while it does not look as it did when it was loaded, whatever
//       the operating system has reported meanwhile.
//   W2. Editors write in several goes: a change is reported when nothing more has happened for a moment.

import type { FSWatcher } from "node:fs";
import { watch } from "node:fs";
import { dirname, extname, join } from "node:path";
import { signatureOf } from "./signature.ts";

/** How long nothing must have happened (W2). Unit: ms. */
const quietMs = 80;
const codeFiles = [".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".json"];

export class FileWatch implements Disposable {
  readonly #loaded = new Map<string, { signature: string; run: number }>();
  readonly #folders = new Map<string, FSWatcher>();
  readonly #appeared = new Set<string>();
  readonly #onTrouble: (text: string) => void;
  #run = 0;
  #quiet: NodeJS.Timeout | undefined;
  #waiting: (() => void) | undefined;

  constructor(onTrouble: (text: string) => void) {
    this.#onTrouble = onTrouble;
  }

  /** From now on files are loaded anew. What was known stays watched, as it is now. */
  beginRun(): void {
    this.#run += 1;
    this.#appeared.clear();
    for (const [path, known] of this.#loaded) {
      this.#loaded.set(path, { ...known, signature: signatureOf(path) ?? known.signature });
    }
  }

  /** All has been loaded: what was not is of no interest any more. */
  endLoading(): void {
    for (const [path, { run }] of this.#loaded) if (run !== this.#run) this.#loaded.delete(path);
  }

  noteLoaded(path: string, signature: string): void {
    this.#loaded.set(path, { signature, run: this.#run });
    this.#watchFolder(dirname(path));
    // It may have changed before its folder was watched (W1).
    if (signatureOf(path) !== signature) this.#tellSoon();
  }

  /**
   * Resolves with the files that have changed; empty when `signal` aborts. With `withNew` a new file of code beside the
   * known ones counts too: it may be the one whose lack was the trouble.
   */
  async changes(signal: AbortSignal, withNew = false): Promise<readonly string[]> {
    for (let isQuiet = false; ; isQuiet = true) {
      const changed = [...this.#changed(), ...(withNew ? this.#appeared : [])];
      if (signal.aborted) return [];
      if (changed.length > 0 && isQuiet) return changed;
      // What had changed before anybody asked may be half written (W2).
      if (changed.length > 0) this.#tellSoon();
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#quiet);
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
    this.#waiting?.();
  }

  /** What is gone may be about to be written again; it counts when it is back (W1). */
  #changed(): string[] {
    const changed: string[] = [];
    for (const [path, { signature }] of this.#loaded) {
      const now = signatureOf(path);
      if (now !== undefined && now !== signature) changed.push(path);
    }
    return changed;
  }

  #watchFolder(folder: string): void {
    if (this.#folders.has(folder)) return;
    try {
      const watcher = watch(folder, (_kind, name) => this.#onEvent(folder, name));
      watcher.on("error", (error) => this.#onTrouble(`cannot watch ${folder} any more: ${error.message}`));
      this.#folders.set(folder, watcher);
    } catch (thrown) {
      this.#onTrouble(`cannot watch ${folder}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  }

  #onEvent(folder: string, name: string | null): void {
    if (name !== null) {
      const path = join(folder, name);
      if (codeFiles.includes(extname(name)) && !this.#loaded.has(path)) this.#appeared.add(path);
    }
    this.#tellSoon();
  }

  /** W2 */
  #tellSoon(): void {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.#waiting?.(), quietMs);
  }
}
