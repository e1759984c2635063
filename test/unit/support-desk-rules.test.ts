// The example's rules, one by one, and the messages that come with it.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { CustomerFile } from "../../examples/support-desk/customer-file.ts";
import {
  customerFileSchema,
  emptyFile,
  hasSeen,
  noteReply,
  takeIn,
} from "../../examples/support-desk/customer-file.ts";
import { findFacts, learn, noFacts } from "../../examples/support-desk/facts.ts";
import type { Message } from "../../examples/support-desk/message.ts";
import { identityOf, messageSchema } from "../../examples/support-desk/message.ts";
import { draftReply } from "../../examples/support-desk/replies.ts";
import { classify } from "../../examples/support-desk/rules.ts";
import type { Report } from "../../examples/support-desk/totals.ts";
import { countRepeated, countReport, emptyFloor, floorSchema, runOf } from "../../examples/support-desk/totals.ts";

const dataFile = new URL("../../examples/support-desk/messages.jsonl", import.meta.url);
const signal = new AbortController().signal;

function message(text: string, changes: Partial<Message> = {}): Message {
  return { at: "2026-03-02T08:00:00Z", customer: "c-1", name: "Ada", thread: "T-1", channel: "chat", text, ...changes };
}

/** Minutes after the first message. */
const minutesLater = (minutes: number) => new Date(Date.parse("2026-03-02T08:00:00Z") + minutes * 60_000).toISOString();

describe("one message by itself", () => {
  test.for([
    ["I was charged twice for Harbor Plus this month.", "billing"],
    ["Please correct the VAT number on the invoice.", "billing"],
    ["Where is my order HB-20417? The tracking has not moved.", "shipping"],
    ["The customs office asks for a declaration.", "shipping"],
    ["I would like to return it, what is the RMA number?", "returns"],
    ["¿Cómo hago la devolución?", "returns"],
    ["My wifi drops every evening, firmware 4.2.1.", "technical"],
    ["Mein Harbor Mini verbindet sich nicht, die Lampe blinkt orange.", "technical"],
    ["I can't log in, it says too many attempts.", "account"],
    ["Just a note to say that Sam was wonderful.", "praise"],
    ["hey", "other"],
  ] as const)("%s is about %s", ([text, topic]) => {
    expect(classify(text).topic).toBe(topic);
  });

  test.for([
    ["Thank you, that was quick!", "happy"],
    ["The serial is HS-7Q2K-19.", "calm"],
    ["No answer since yesterday. Not good enough.", "annoyed"],
    ["I am furious. This is ridiculous.", "angry"],
    ["YOUR ROUTER IS GARBAGE. I WANT MY MONEY BACK", "angry"],
    ["Service came back at noon, no thanks to you.", "calm"],
  ] as const)("%s sounds %s", ([text, mood]) => {
    expect(classify(text).mood).toBe(mood);
  });

  test.for([
    ["I think someone hacked my account, it wasn't me.", ["security"]],
    ["The adapter smells burnt. Is it a fire hazard?", ["safety"]],
    ["I have handed the matter to our solicitor.", ["legal"]],
    ["Then I'll cancel my subscription and move to another provider.", ["churn"]],
    ["I'm moving abroad and need to cancel my subscription, I was very happy with you.", []],
  ] as const)("%s raises %j", ([text, found]) => {
    expect(classify(text).alarms).toEqual(found);
  });

  test.for([
    ["It works now, thanks!", true],
    ["The refund has arrived.", true],
    ["Funktioniert! Vielen Dank!", true],
    ["届きました。ありがとうございます！", true],
    ["Refund received. That took far too long, but thanks for the apology.", true],
    ["Still not working after the reset.", false],
    ["Thank you for the label. Do I get the money back now?", false],
    ["I want it sorted or I want my money back.", false],
  ] as const)("%s settles it: %s", ([text, resolves]) => {
    expect(classify(text).resolves).toBe(resolves);
  });

  test("a deadline is urgent, a compliment is not", () => {
    expect(classify("We are without internet and cannot open a single record.").urgency).toBe("high");
    expect(classify("One more small thing, no hurry at all.").urgency).toBe("low");
    expect(classify("I think someone hacked my account.").urgency).toBe("high");
    expect(classify("Which plan do I have?").urgency).toBe("normal");
  });

  test("any text is read without an error, also one of the longest", () => {
    for (const text of ["", " ", "?", "\u0000", "💀".repeat(4_000), "a ".repeat(4_000), "still ".repeat(1_300)]) {
      expect(classify(text)).toBeDefined();
      expect(findFacts(text)).toBeDefined();
    }
  });
});

describe("what is known of a customer", () => {
  test("orders, devices and addresses are found by their form, each once", () => {
    const facts = findFacts(
      "My Harbor One (hs-7q2k-19, 4.2.1) at 192.168.7.20, order HB-20417 and again HB-20417, €6.90",
    );
    expect(facts).toMatchObject({
      orders: ["HB-20417"],
      serials: ["HS-7Q2K-19"],
      devices: ["Harbor One"],
      firmware: ["4.2.1"],
      addresses: ["192.168.7.20"],
      amounts: ["€6.90"],
      language: "en",
    });
    expect(findFacts("MAC 3A:5F:10:9C:44:E2, error E-17, RMA-5502, Harbor Plus")).toMatchObject({
      addresses: ["3A:5F:10:9C:44:E2"],
      errors: ["E-17"],
      returns: ["RMA-5502"],
      plan: "Plus",
    });
  });

  test("an IP address is no firmware", () => {
    expect(findFacts("Only by number, 1.1.1.1 opens.")).toMatchObject({ firmware: [], addresses: ["1.1.1.1"] });
  });

  test("a customer who once wrote in a language of their own keeps it", () => {
    const facts = noFacts();
    for (const text of [
      "Hello, is it you?",
      "Guten Tag, können Sie mir bitte helfen?",
      "But the code is not accepted.",
    ]) {
      learn(facts, findFacts(text));
    }
    expect(facts.language).toBe("de");
  });

  test("the newest twelve of each kind are kept", () => {
    const facts = noFacts();
    for (let order = 20_000; order < 20_100; order += 1) learn(facts, findFacts(`HB-${order}`));
    expect(facts.orders).toHaveLength(12);
    expect(facts.orders.at(-1)).toBe("HB-20099");
  });
});

describe("a customer's file", () => {
  test("a follow-up is about what the thread was about", () => {
    const file = emptyFile();
    expect(takeIn(file, message("My parcel is lost, the courier never had it.")).topic).toBe("shipping");
    expect(takeIn(file, message("Any news?", { at: minutesLater(60) })).topic).toBe("shipping");
    expect(takeIn(file, message("And the invoice has the wrong VAT number.", { at: minutesLater(90) })).topic).toBe(
      "billing",
    );
  });

  test("the same message is known again, another one is not", () => {
    const file = emptyFile();
    takeIn(file, message("hello"));
    expect(hasSeen(file, message("hello"))).toBe(true);
    expect(hasSeen(file, message("hello", { at: minutesLater(1) }))).toBe(false);
    expect(identityOf(message("a", { id: "m-1" }))).toBe(identityOf(message("b", { id: "m-1" })));
    expect(identityOf(message("a", { id: "m-1" }))).not.toBe(identityOf(message("a", { id: "m-2" })));
  });

  test("a third unresolved contact calls a person once; messages within half an hour are one contact", () => {
    const file = emptyFile();
    const raised = (text: string, minutes: number) => takeIn(file, message(text, { at: minutesLater(minutes) })).raised;
    expect(raised("wifi dead", 0)).toEqual([]);
    expect(raised("light is red", 1)).toEqual([]);
    expect(raised("ok unplugged it", 10)).toEqual([]);
    expect(raised("red light again", 300)).toEqual([]);
    expect(raised("the light is red", 600)).toEqual(["third unresolved contact"]);
    expect(raised("and the light is still red", 900)).toEqual([]);
    expect(raised("it works now, thanks", 960)).toEqual([]);
    expect(raised("the light is red", 1_300)).toEqual([]);
  });

  test("two angry messages within 48 hours call a person, also in two threads", () => {
    const file = emptyFile();
    const angry = (thread: string, minutes: number) =>
      takeIn(file, message("I am furious!", { thread, at: minutesLater(minutes) })).raised;
    expect(angry("T-1", 0)).toEqual([]);
    expect(angry("T-2", 47 * 60)).toEqual(["second angry message"]);
    expect(angry("T-3", 200 * 60)).toEqual([]);
  });

  test("an alarm calls a person at once, for each matter once", () => {
    const file = emptyFile();
    const first = takeIn(file, message("someone hacked my account, it wasn't me"));
    expect(first).toMatchObject({ raised: ["security"], urgency: "high", topic: "account" });
    expect(takeIn(file, message("I was hacked, hello?", { at: minutesLater(5) })).raised).toEqual([]);
    expect(takeIn(file, message("hacked here too", { thread: "T-2", at: minutesLater(9) })).raised).toEqual([
      "security",
    ]);
  });

  test("threads open, settle and open again", () => {
    const file = emptyFile();
    const opened = (text: string, minutes: number) => takeIn(file, message(text, { at: minutesLater(minutes) })).opened;
    expect(opened("no light at all", 0)).toBe(1);
    expect(opened("still no light", 60)).toBe(0);
    expect(opened("it works, thank you", 120)).toBe(-1);
    expect(opened("no light again", 180)).toBe(1);
    expect(opened("it works, thank you", 240)).toBe(-1);
    expect(takeIn(emptyFile(), message("Just a note to say that Sam was wonderful.")).opened).toBe(0);
  });

  test("is bounded, however much a customer writes", () => {
    const file = emptyFile();
    for (let at = 0; at < 1_500; at += 1) {
      const long = message(`HB-${10_000 + at} ${"x".repeat(7_000)}`, { thread: `T-${at % 50}`, at: minutesLater(at) });
      takeIn(file, long);
      noteReply(file, long, "y".repeat(7_000));
    }
    expect(customerFileSchema.safeParse(file).success).toBe(true);
    expect(JSON.stringify(file).length).toBeLessThan(128 * 1_024);
  });

  test("ids of any shape are threads like all others", () => {
    const file = emptyFile();
    for (const thread of ["__proto__", "constructor", "a b", "日本"]) takeIn(file, message("hello", { thread }));
    expect(file.threads.map(({ id }) => id)).toEqual(["__proto__", "constructor", "a b", "日本"]);
  });
});

describe("the specialist's answer", () => {
  const matter = { name: "Ada", text: "charged twice", mood: "calm", resolves: false, contacts: 1, isEscalated: false };

  test("speaks the customer's language, names what it is about, and says when a person takes over", async () => {
    const facts = { ...noFacts(), amounts: ["€6.90"], language: "de" as const };
    const reply = await draftReply("billing", { ...matter, mood: "angry", isEscalated: true }, facts, signal);
    expect(reply).toMatch(/^Guten Tag Ada\. You are right to be angry.*€6\.90.*call you personally\.$/);
  });

  test("closes what is settled", async () => {
    const reply = await draftReply("technical", { ...matter, mood: "happy", resolves: true }, noFacts(), signal);
    expect(reply).toBe("Hello Ada. I am glad that it is settled, and have closed the matter.");
  });

  test("stops when the turn's time is over", async () => {
    await expect(draftReply("billing", { ...matter, mood: "calm" }, noFacts(), AbortSignal.abort())).rejects.toThrow();
  });
});

describe("the supervisor's totals", () => {
  const report: Report = {
    ...{ at: minutesLater(0), customer: "c-1", name: "Ada", thread: "T-1", channel: "chat", text: "hey", reply: "Hi" },
    ...{ topic: "other", mood: "calm", urgency: "normal", raised: ["security", "churn threat"], run: "r" },
    ...{ resolves: false, isNewCustomer: true, isNewThread: true, opened: 1 },
  };

  test("count each message once, and each reason", () => {
    const floor = emptyFloor();
    countReport(floor, report);
    countRepeated(floor, "r");
    expect(floor.totals).toMatchObject({ messages: 1, answered: 1, open: 1, repeated: 1, escalations: 2 });
    expect(floor.totals.byReason).toMatchObject({ security: 1, "churn threat": 1, safety: 0 });
    expect(runOf(floor, "r")).toMatchObject({ fresh: 1, repeated: 1 });
    expect(runOf(floor, "another")).toEqual({ fresh: 0, repeated: 0 });
  });

  test("are bounded, and the newest are kept", () => {
    const floor = emptyFloor();
    for (let at = 0; at < 1_000; at += 1) countReport(floor, { ...report, raised: ["safety"], run: `r-${at}` });
    expect(floorSchema.safeParse(floor).success).toBe(true);
    expect(floor.happenings.at(-1)?.number).toBe(1_000);
    expect(runOf(floor, "r-999").fresh).toBe(1);
    expect(JSON.stringify(floor).length).toBeLessThan(64 * 1_024);
  });
});

describe("the messages that come with the example", () => {
  const messages = readFileSync(dataFile, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => messageSchema.parse(JSON.parse(line)));
  const groups = <K>(keyOf: (each: Message) => K) => Map.groupBy(messages, keyOf);

  test("are at least 240, from about forty customers or more, several of each, in several threads, over three days", () => {
    expect(messages.length).toBeGreaterThanOrEqual(240);
    const customers = groups(({ customer }) => customer);
    expect(customers.size).toBeGreaterThanOrEqual(40);
    for (const [customer, own] of customers) expect(own.length, customer).toBeGreaterThanOrEqual(2);
    const withThreads = [...customers.values()].filter((own) => new Set(own.map(({ thread }) => thread)).size > 1);
    expect(withThreads.length).toBeGreaterThanOrEqual(10);
    expect(groups(({ at }) => at.slice(0, 10)).size).toBe(3);
    expect(groups(({ channel }) => channel).size).toBe(3);
  });

  test("come in order, and none comes twice", () => {
    const times = messages.map(({ at }) => Date.parse(at));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(groups((each) => `${each.customer} ${identityOf(each)}`).size).toBe(messages.length);
  });

  test("hold every topic, every mood and every reason to call a person", () => {
    const files = new Map<string, CustomerFile>();
    const seen = new Set<string>();
    for (const each of messages) {
      const file = files.get(each.customer) ?? emptyFile();
      files.set(each.customer, file);
      const { topic, mood, urgency, raised } = takeIn(file, each);
      for (const word of [topic, mood, urgency, ...raised]) seen.add(word);
    }
    const { byTopic, byMood, byReason } = emptyFloor().totals;
    for (const word of [byTopic, byMood, byReason].flatMap(Object.keys)) expect(seen).toContain(word);
    expect([...files.values()].every((file) => customerFileSchema.safeParse(file).success)).toBe(true);
  });
});
