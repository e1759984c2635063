// The whole terminal, drawn again and again, as `top` does it.
//
//   S1. Whatever ends the process, the terminal is given back as it was: its text, the cursor, the keys.
//   S2. Nothing flickers: a picture goes out in one write that overwrites the one before, and never clears first.

export interface ScreenStreams {
  readonly stdin: Pick<NodeJS.ReadStream, "isTTY" | "on" | "off" | "pause" | "resume" | "setRawMode">;
  readonly stdout: Pick<NodeJS.WriteStream, "columns" | "rows" | "write" | "on" | "off">;
}

const control = "\u001b[";
/** Another page of the terminal, no cursor. */
const enter = `${control}?1049h${control}?25l`;
const leave = `${control}?25h${control}?1049l`;
/** Terminals that know it show nothing until the picture is whole; others ignore it. */
const [begin, end] = [`${control}?2026h${control}H`, `${control}J${control}?2026l`];
const endOfLine = `${control}K`;
const ctrlC = "\u0003";

export class Screen implements Disposable {
  readonly #streams: ScreenStreams;
  readonly #onEnd: () => void;
  readonly #onResize: () => void;
  #isOpen = true;

  /** `onEnd`: q or Ctrl-C was pressed. `onResize`: it is to be drawn again, for another size. */
  constructor(streams: ScreenStreams, onEnd: () => void, onResize: () => void) {
    this.#streams = streams;
    this.#onEnd = onEnd;
    this.#onResize = onResize;
    const { stdin, stdout } = streams;
    process.once("exit", this.#close); // S1
    stdout.write(enter);
    stdout.on("resize", this.#onResize);
    if (!stdin.isTTY) return;
    stdin.setRawMode(true);
    stdin.on("data", this.#hear);
    stdin.resume();
  }

  get room(): { readonly width: number; readonly height: number } {
    const { columns, rows } = this.#streams.stdout;
    return { width: columns, height: rows };
  }

  draw(text: string): void {
    if (!this.#isOpen) return;
    const lines = text.split("\n").map((line) => line + endOfLine);
    this.#streams.stdout.write(begin + lines.join("\r\n") + end); // S2
  }

  [Symbol.dispose](): void {
    this.#close();
  }

  readonly #hear = (data: Buffer | string): void => {
    const keys = data.toString();
    if (keys === "q" || keys === "Q" || keys.includes(ctrlC)) this.#onEnd();
  };

  readonly #close = (): void => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { stdin, stdout } = this.#streams;
    process.off("exit", this.#close);
    stdout.off("resize", this.#onResize);
    if (stdin.isTTY) {
      stdin.off("data", this.#hear);
      stdin.setRawMode(false);
      stdin.pause();
    }
    stdout.write(leave);
  };
}
