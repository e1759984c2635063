// Server-sent events out of pieces of text, as they come from a streaming fetch (which, unlike EventSource, can carry the token).

export interface LiveEvent {
  readonly name: string;
  readonly data: string;
}

/** Longest event. Unit: characters. What is longer is not from our server. */
const eventLengthMax = 8 * 1024 * 1024;

export class EventParser {
  #rest = "";
  #name = "";
  #data: string[] = [];

  /** The events that this piece has completed. Comment lines are no event. Throws on an event without an end. */
  push(piece: string): LiveEvent[] {
    const lines = (this.#rest + piece).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > eventLengthMax) throw new Error("an event of the live stream has no end");
    const events: LiveEvent[] = [];
    for (const line of lines) {
      const event = this.#take(line.endsWith("\r") ? line.slice(0, -1) : line);
      if (event !== undefined) events.push(event);
    }
    return events;
  }

  #take(line: string): LiveEvent | undefined {
    if (line === "") {
      const event =
        this.#data.length === 0 ? undefined : { name: this.#name || "message", data: this.#data.join("\n") };
      this.#name = "";
      this.#data = [];
      return event;
    }
    const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (field === "event") this.#name = value;
    else if (field === "data") this.#data.push(value);
    return undefined;
  }
}
