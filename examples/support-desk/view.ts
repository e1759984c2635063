// The live view: lines made of the supervisor's state as it changes. Pure but for the one function that prints.

import type { Mood, Topic } from "./rules.ts";
import type { Paint, Style } from "./text.ts";
import { clip, column, printable } from "./text.ts";
import type { Happening } from "./totals.ts";

export interface ViewOptions {
  readonly paint: Paint;
  /** Columns of the terminal. */
  readonly width: number;
}

const topicStyles: Readonly<Record<Topic, Style>> = {
  billing: "yellow",
  shipping: "blue",
  returns: "magenta",
  technical: "cyan",
  account: "red",
  praise: "green",
  other: "dim",
};

const moodStyles: Readonly<Record<Mood, Style>> = { happy: "green", calm: "dim", annoyed: "yellow", angry: "red" };

const threadWidth = 7;
const nameWidth = 18;
const topicWidth = 9;
const moodWidth = 7;
const indent = " ".repeat(13);
/** When, thread, who, topic and mood, with a space between. */
const headWidth = indent.length + threadWidth + 1 + nameWidth + 1 + topicWidth + 1 + moodWidth;
/** What was written stands behind them if there is so much room, otherwise below. */
const saidWidthMin = 40;

/** What is new in a state: prints it, and says so when more happened at once than the state keeps. */
export class LiveView {
  readonly #print: (line: string) => void;
  readonly #options: ViewOptions;
  #shown: number;

  /** `shown`: the number of the last message that is old news. */
  constructor(print: (line: string) => void, options: ViewOptions, shown: number) {
    this.#print = print;
    this.#options = options;
    this.#shown = shown;
  }

  show(happenings: readonly Happening[]): void {
    const fresh = happenings.filter(({ number }) => number > this.#shown);
    const [first] = fresh;
    if (first === undefined) return;
    const missed = first.number - this.#shown - 1;
    if (missed > 0) this.#print(this.#options.paint("dim", `${indent}… ${missed} more, faster than can be shown`));
    for (const happening of fresh) for (const line of linesOf(happening, this.#options)) this.#print(line);
    this.#shown = fresh.at(-1)?.number ?? this.#shown;
  }
}

/** One message: what came, what was answered, and why a person was called. */
export function linesOf(happening: Happening, { paint, width }: ViewOptions): string[] {
  const { topic, mood, thread, name, reply, raised } = happening;
  const room = Math.max(20, width - indent.length);
  const head =
    paint("dim", column(clock(happening.at), indent.length)) +
    `${column(printable(thread), threadWidth)} ${column(printable(name), nameWidth)} ` +
    `${paint(topicStyles[topic], column(topic, topicWidth))} ${paint(moodStyles[mood], column(mood, moodWidth))}`;
  const said = `“${printable(happening.text)}”`;
  const roomBehind = width - headWidth - 1;
  const lines = roomBehind < saidWidthMin ? [head, indent + clip(said, room)] : [`${head} ${clip(said, roomBehind)}`];
  lines.push(indent + paint("dim", clip(`└ ${topic}: ${printable(reply)}`, room)));
  for (const reason of raised) {
    lines.push(indent + paint("red", clip(`▲ escalated: ${reason} (${printable(happening.customer)})`, room)));
  }
  return lines;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `02 Mar 08:04`, in UTC: the same on every machine. */
function clock(at: string): string {
  const time = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${two(time.getUTCDate())} ${months[time.getUTCMonth()] ?? "?"}`;
  return `${day} ${two(time.getUTCHours())}:${two(time.getUTCMinutes())}`;
}
