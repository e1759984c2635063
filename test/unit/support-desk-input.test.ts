// The example's way from bytes to messages: lines, broken lines, options, and what is shown of it.

import { describe, expect, test } from "vitest";
import { readEntries, toEntry } from "../../examples/support-desk/input.ts";
import type { Line } from "../../examples/support-desk/lines.ts";
import { lineBytesMax, readLines } from "../../examples/support-desk/lines.ts";
import { pickCustomer, printLookFurther, printOpenAgain } from "../../examples/support-desk/look-further.ts";
import { parseOptions, watchableRate } from "../../examples/support-desk/options.ts";
import type { Summary } from "../../examples/support-desk/summary.ts";
import { printSummary } from "../../examples/support-desk/summary.ts";
import { clip, column, plain, printable, shellWord, widthOf } from "../../examples/support-desk/text.ts";
import type { Happening } from "../../examples/support-desk/totals.ts";
import { emptyFloor } from "../../examples/support-desk/totals.ts";
import { LiveView, linesOf } from "../../examples/support-desk/view.ts";

const good = { at: "2026-03-02T08:00:00Z", customer: "c-1", name: "Ada", thread: "T-1", channel: "chat", text: "hey" };

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of source) all.push(each);
  return all;
}

async function linesIn(text: string | Uint8Array, size = 7): Promise<Line[]> {
  return collect(readLines(inChunks(typeof text === "string" ? Buffer.from(text) : text, size)));
}

const reasonFor = (text: string) => {
  const entry = toEntry({ kind: "text", number: 3, text });
  return entry?.kind === "broken" ? entry.reason : undefined;
};

describe("lines", () => {
  test.for([1, 2, 3, 5, 1_000])("are the same in chunks of %i bytes", async (size) => {
    const lines = await linesIn("\ufeffäö\n\n日本 💀\r\nlast", size);
    expect(lines.map((line) => line.kind === "text" && line.text.trim())).toEqual(["äö", "", "日本 💀", "last"]);
    expect(lines.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
  });

  test("nothing holds no line, and a line feed at the end begins none", async () => {
    expect(await linesIn("")).toEqual([]);
    expect(await linesIn("a\n")).toHaveLength(1);
  });

  test("one that is too long or not UTF-8 is told apart, and the next one is read", async () => {
    const long = `${"x".repeat(lineBytesMax + 1)}\nok\n`;
    expect(await linesIn(long, 1_000)).toMatchObject([
      { kind: "unreadable", number: 1, reason: expect.stringContaining("is longer than") },
      { kind: "text", number: 2, text: "ok" },
    ]);
    expect(await linesIn(Uint8Array.from([0xff, 0xfe, 10, 0x6f, 0x6b]))).toMatchObject([
      { kind: "unreadable", number: 1, reason: "is not UTF-8" },
      { kind: "text", number: 2, text: "ok" },
    ]);
  });
});

describe("a line of the input", () => {
  test("is a message when everything is there", () => {
    expect(toEntry({ kind: "text", number: 7, text: JSON.stringify(good) })).toEqual({
      kind: "message",
      line: 7,
      message: good,
    });
  });

  test("that is broken gives its number and the reason", () => {
    expect(reasonFor("{oops")).toMatch(/^is not JSON: /);
    expect(reasonFor("[1]")).toBe("is not an object but an array");
    expect(reasonFor("null")).toBe("is not an object but null");
    const { text: _text, ...withoutText } = good;
    expect(reasonFor(JSON.stringify(withoutText))).toBe("has no `text`");
    expect(reasonFor(JSON.stringify({ ...good, text: 5 }))).toBe("`text` must be a string, got 5");
    expect(reasonFor(JSON.stringify({ ...good, text: "" }))).toBe("`text` is empty");
    expect(reasonFor(JSON.stringify({ ...good, channel: "fax" }))).toBe(
      '`channel` must be one of email, chat, phone, got "fax"',
    );
    expect(reasonFor(JSON.stringify({ ...good, at: "yesterday" }))).toBe(
      "`at` must be a time like 2026-03-02T08:04:00Z",
    );
    expect(reasonFor(JSON.stringify({ ...good, customer: "é".repeat(200) }))).toBe(
      "`customer` is longer than 256 bytes",
    );
    expect(reasonFor('{"at":1}')).toMatch(/`at` must be a string, got 1; has no `customer`; /);
  });

  test("that is blank is passed over, and its number still counts", async () => {
    const text = `\n  \n${JSON.stringify(good)}\nbroken\n`;
    const entries = await collect(readEntries(inChunks(Buffer.from(text), 10)));
    expect(entries.map(({ kind, line }) => [kind, line])).toEqual([
      ["message", 3],
      ["broken", 4],
    ]);
  });
});

describe("the command line", () => {
  const parse = (args: string[], env: NodeJS.ProcessEnv = {}, isTerminal = false) => {
    const parsed = parseOptions(args, env, isTerminal);
    if (parsed.kind !== "run") throw new Error(parsed.kind);
    return parsed.options;
  };

  test("is slow on a terminal, and as fast as it goes with --once, --json or elsewhere", () => {
    expect(parse([], {}, true).rate).toBe(watchableRate);
    expect(parse(["--once"], {}, true).rate).toBeUndefined();
    expect(parse(["--json"], {}, true).rate).toBeUndefined();
    expect(parse([]).rate).toBeUndefined();
    expect(parse(["--rate", "2.5"], {}, true).rate).toBe(2.5);
  });

  test("takes the server from NATS_URL, unless there is to be none", () => {
    const env = { NATS_URL: "nats://127.0.0.1:4222" };
    expect(parse([], env).serverUrl).toBe(env.NATS_URL);
    expect(parse(["--memory"], env).serverUrl).toBeUndefined();
    expect(parse([], { NATS_URL: "" }).serverUrl).toBeUndefined();
  });

  test.for([
    ["--rate", "0"],
    ["--rate", "fast"],
    ["--rate"],
    ["--input", ""],
    ["--what"],
    ["file.jsonl"],
    ["--otlp", "h:4318"],
    ["--jaeger", "http://h"],
  ])("refuses %j", (args) => {
    expect(parseOptions(args, {}, false).kind).toBe("wrong");
  });

  test("traces go where --otlp says, and Jaeger's page is looked for on that host", () => {
    const otlpUrl = "http://h:4318";
    expect(parse([]).traces).toBeUndefined();
    expect(parse(["--otlp", otlpUrl]).traces).toEqual({ otlpUrl, jaegerUrl: "http://h:16686" });
    const elsewhere = parse(["--otlp", otlpUrl, "--jaeger", "https://jaeger.example/page/"]);
    expect(elsewhere.traces).toEqual({ otlpUrl, jaegerUrl: "https://jaeger.example/page" });
  });

  test("asks for help", () => {
    expect(parseOptions(["--help"], {}, false).kind).toBe("help");
  });
});

describe("text on a terminal", () => {
  test("what a customer wrote cannot steer it", () => {
    expect(printable("\u001b[31mred\u0007\r\nnext\u202e\tline")).toBe("[31mred next line");
  });

  test("columns are counted as a terminal shows them", () => {
    expect(widthOf("山田太郎 💀é")).toBe(12);
    expect(column("山田太郎", 6)).toBe("山田… ");
    expect(clip("👩‍👩‍👧 family", 4)).toBe("👩‍👩‍👧…");
    expect(clip("short", 5)).toBe("short");
  });

  test("a word for the shell is quoted when it has to be", () => {
    expect(["c-1", "a b", "o'neil & sons", "acct:77/41#b"].map(shellWord)).toEqual([
      "c-1",
      "'a b'",
      "'o'\\''neil & sons'",
      "'acct:77/41#b'",
    ]);
  });
});

describe("the live view", () => {
  const happening = (number: number, changes: Partial<Happening> = {}): Happening => ({
    ...{ number, at: "2026-03-02T08:04:00Z", customer: "c-1", name: "Ada", thread: "T-1", channel: "chat" },
    ...{ topic: "technical", mood: "angry", urgency: "high", raised: [], text: "no light", reply: "Hello Ada." },
    ...changes,
  });

  test("shows what came, what was answered, and why a person was called, within the terminal's width", () => {
    const long = happening(1, { text: "x".repeat(500), reply: "y".repeat(500), raised: ["safety", "churn threat"] });
    const lines = linesOf(long, { paint: plain, width: 100 });
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^02 Mar 08:04 T-1 +Ada +technical angry +“x+…$/);
    expect(lines[3]).toBe("             ▲ escalated: churn threat (c-1)");
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(100);
  });

  test("puts what was written below on a narrow terminal, and keeps the columns of wide letters", () => {
    const lines = linesOf(happening(1, { name: "山田太郎 (Taro Yamada)" }), { paint: plain, width: 80 });
    expect(lines[0]).toMatch(/^02 Mar 08:04 T-1 +山田太郎 \(Taro Y.*… technical angry +$/);
    expect(lines.slice(1)).toEqual(["             “no light”", "             └ technical: Hello Ada."]);
    for (const width of [40, 80, 100, 200]) {
      for (const line of linesOf(happening(1, { name: "山田太郎", text: "長い".repeat(99) }), {
        paint: plain,
        width,
      })) {
        expect(widthOf(line)).toBeLessThanOrEqual(Math.max(width, 57));
      }
    }
  });

  test("shows each message once, and says how many it could not show", () => {
    const printed: string[] = [];
    const view = new LiveView((line) => printed.push(line), { paint: plain, width: 100 }, 2);
    view.show([happening(1), happening(2), happening(3)]);
    expect(printed).toHaveLength(2);
    view.show([happening(2), happening(3)]);
    expect(printed).toHaveLength(2);
    view.show([happening(7), happening(8)]);
    expect(printed).toHaveLength(7);
    expect(printed[2]).toContain("3 more");
  });
});

describe("the end of a run", () => {
  const { totals } = emptyFloor();
  const summary: Summary = {
    app: "troupe",
    server: "nats://127.0.0.1:4222",
    run: { sent: 3, fresh: 1, repeated: 1, broken: 1, brokenLines: [], isComplete: false, seconds: 2 },
    totals: { ...totals, messages: 1, customers: 1 },
    lastEscalations: [],
  };

  test("says what was known already, what was broken and what is left", () => {
    const text = printSummary(summary, plain, 100);
    for (const part of ["3 messages in 2.0 s", "1 message of this run known already", "1 broken line skipped"]) {
      expect(text).toContain(part);
    }
    expect(text).toContain("1 message sent and not dealt with yet");
  });

  test("breaks long rows between their parts", () => {
    const byTopic = { ...totals.byTopic, billing: 58, shipping: 39, returns: 29, technical: 92 };
    const lines = printSummary({ ...summary, totals: { ...totals, byTopic } }, plain, 45).split("\n");
    expect(lines).toContain("  topics     billing 58, shipping 39,");
    expect(lines).toContain("             returns 29, technical 92");
  });

  test("says how to open a desk again whose server ends with the run", () => {
    expect(printOpenAgain({ app: "troupe", dataDir: ".troupe", input: undefined })).toContain("  npm start  opens");
    const text = printOpenAgain({ app: "desk-1", dataDir: "my data", input: "mine.jsonl" });
    expect(text).toContain("npm start -- --input mine.jsonl --data 'my data' --app desk-1");
    expect(printOpenAgain({ app: "troupe", dataDir: ".troupe", input: "-" })).toContain("--input /dev/null");
  });

  test("prints commands for the right server, the right app, and a customer that exists", () => {
    const text = printLookFurther({ app: "desk-1", server: "nats://h:1", customer: "o'neil & sons" }, plain);
    expect(text).toContain(`get customer 'o'\\''neil & sons' --server nats://h:1 --app desk-1`);
    expect(text).toContain("nats --server nats://h:1 req desk-1.call.supervisor.main.summary ''");
    expect(printLookFurther({ app: "troupe", server: null, customer: undefined }, plain)).toContain("--memory");
  });

  test("prints links to the traces, with a server and without", () => {
    const traces = { jaegerUrl: "http://h:16686", traceId: "0af7651916cd43dd8448eb211c80319c" };
    for (const server of ["nats://h:1", null]) {
      const text = printLookFurther({ app: "desk", server, customer: "c-1", traces }, plain);
      expect(text).toContain("http://h:16686/search?service=support-desk");
      expect(text).toContain("http://h:16686/trace/0af7651916cd43dd8448eb211c80319c");
    }
  });

  test("shows the customer who wrote most, and one whose id is easy to type if there is any", () => {
    expect(
      pickCustomer(
        new Map([
          ["a b", 9],
          ["c-1", 2],
          ["c-2", 3],
        ]),
      ),
    ).toBe("c-2");
    expect(
      pickCustomer(
        new Map([
          ["a b", 1],
          ["c d", 2],
        ]),
      ),
    ).toBe("c d");
    expect(pickCustomer(new Map())).toBeUndefined();
  });
});
