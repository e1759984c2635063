// The specialist's answer. One function stands where a model would; the rest of the file is what it says instead.

import type { Facts, Language } from "./facts.ts";
import type { EarlierMessage } from "./recollection.ts";
import type { Mood, Topic } from "./rules.ts";

/** What a specialist is told of the matter. */
export interface Matter {
  readonly name: string;
  /** The message to answer. */
  readonly text: string;
  readonly mood: Mood;
  readonly resolves: boolean;
  /** Contacts about it since it was last settled, this one included. */
  readonly contacts: number;
  /** A person takes over: the answer says so. */
  readonly isEscalated: boolean;
  /** What the customer wrote about it at another time, as the customer's agent remembers. */
  readonly earlier?: EarlierMessage | undefined;
}

/**
 * REPLACE ME: the one place where a model would answer.
 *
 * Everything that a prompt needs is in the arguments: the topic whose specialist is asked, the matter, and what the
 * desk knows of the customer. The caller runs it inside `ctx.step`, so a turn that is repeated after a crash does not
 * ask the model twice. Pass `signal` on: it aborts when the turn's time is over.
 */
export async function draftReply(topic: Topic, matter: Matter, facts: Facts, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const sentences = [
    greeting(matter.name, facts.language),
    ...opening(matter),
    ...recollection(matter),
    body(topic, matter, facts),
  ];
  if (matter.isEscalated) sentences.push("I have passed this on to a colleague, who will call you personally.");
  return sentences.join(" ");
}

type Answer = (facts: Facts) => string;

const greetings: Readonly<Record<Language, string>> = {
  en: "Hello",
  de: "Guten Tag",
  es: "Buenos días",
  fr: "Bonjour",
  pl: "Dzień dobry",
  pt: "Olá",
  ja: "こんにちは",
};

/** The first pattern that the message matches gives the answer; each list ends with one that matches everything. */
const answers: Readonly<Record<Topic, ReadonlyArray<readonly [RegExp, Answer]>>> = {
  billing: [
    [
      /twice|double|duplicate|again/i,
      (f) => `I see the second charge${about(f.amounts)} and have sent it back to your card.`,
    ],
    [/invoice|vat|rechnung/i, (f) => `A corrected invoice${about(f.orders)} is on its way to your inbox.`],
    [/student/i, () => "The student rate applies as soon as your card is verified, also for this month."],
    [
      /cancel|price|increase/i,
      (f) => `I can offer you the yearly price${plan(f)}, or end the subscription; you choose.`,
    ],
    [/refund|money|back/i, (f) => `The refund${about(f.amounts)} is booked; banks take one to three days.`],
    [
      /downgrade|upgrade|change|move|moving|pause/i,
      (f) => `The change${plan(f)} takes effect at the turn of the month.`,
    ],
    [/./s, (f) => `I have looked at your account${plan(f)} and will write to you today with what I find.`],
  ],
  shipping: [
    [/customs/i, (f) => `The declaration${about(f.orders)} has gone to the customs office, stamped, with you in copy.`],
    [
      /address/i,
      (f) => `I have asked the courier to stop the parcel${about(f.orders)} and to bring it to the new address.`,
    ],
    [
      /where|tracking|still|late|transit/i,
      (f) => `I have opened a search${about(f.orders)}; if it is not found by noon, a new one ships.`,
    ],
    [/./s, (f) => `I have checked the shipment${about(f.orders)} and will tell you as soon as it moves.`],
  ],
  returns: [
    [/label|etiqueta|post office/i, () => "A new label that is valid in your country is attached; the return is free."],
    [/refund|reembolso|money/i, (f) => `The return${about(f.returns)} is registered and the refund is booked.`],
    [
      /wrong|cracked|soaked|broken|exchange|replacement/i,
      (f) => `A replacement${about(f.orders)} leaves today; send the other one when it suits you.`,
    ],
    [/./s, (f) => `Your return${about(f.orders)} is prepared: print the label, hand it in, done.`],
  ],
  technical: [
    [
      /burnt|smoke|hot|fire/i,
      () => "Please leave it unplugged. A new adapter ships today, and we are checking the whole batch.",
    ],
    [
      /firmware|update/i,
      (f) => `This is known${about(f.firmware)} and fixed in 4.2.3; I have released that version for your router.`,
    ],
    [
      /slow|mbit|speed/i,
      () => "Please put the router in the open on the middle floor and choose channel 44; then measure again.",
    ],
    [/error e-\d+|pairing|code/i, (f) => `The pairing code${about(f.errors)} can be renewed in the app under Devices.`],
    [
      /outage|unreachable|without internet/i,
      () => "There is a disturbance in our cloud; your lines are next, and I will call when it is over.",
    ],
    [
      /light|dead|restart|reset/i,
      (f) => `Please unplug the power${device(f)} for 30 seconds and tell me the colour of the light.`,
    ],
    [/./s, (f) => `I have read the log${device(f)} and attached the three settings to look at.`],
  ],
  account: [
    [
      /hacked|wasn't me|login from|phishing|scam|never made/i,
      () => "The account is locked, all sessions are ended, and only you can open it again.",
    ],
    [/data|gdpr|newsletter/i, () => "Your request went to our data protection officer, who confirms it in writing."],
    [
      /two-factor|locked|log in|login|password/i,
      () => "I have sent a recovery link that is valid for an hour; it works without the old codes.",
    ],
    [/./s, () => "I have checked your account and corrected it; please sign in once more."],
  ],
  praise: [[/./s, () => "I have read it aloud to the team. It made our day."]],
  other: [
    [/\?/, () => "Let me find out; you will have an answer today."],
    [/./s, () => "I have noted it with your earlier messages. Tell me if there is anything else."],
  ],
};

const fallback: Answer = () => "I have noted it with your earlier messages.";

function body(topic: Topic, matter: Matter, facts: Facts): string {
  if (matter.resolves) return "I am glad that it is settled, and have closed the matter.";
  const found = answers[topic].find(([pattern]) => pattern.test(matter.text));
  return (found?.[1] ?? fallback)(facts);
}

function opening(matter: Matter): string[] {
  if (matter.resolves || matter.mood === "happy") return [];
  if (matter.mood === "angry") return ["You are right to be angry, and I am sorry."];
  if (matter.contacts > 2) return [`I am sorry that you have to write about this a ${ordinal(matter.contacts)} time.`];
  return matter.mood === "annoyed" ? ["I am sorry for the trouble."] : [];
}

function recollection({ earlier }: Matter): string[] {
  return earlier === undefined ? [] : [`On ${earlier.day} you wrote “${earlier.text}”.`];
}

function greeting(name: string, language: Language | undefined): string {
  return `${greetings[language ?? "en"]} ${name}.`;
}

const newest = (values: readonly string[]) => values.at(-1);
const about = (values: readonly string[]) => (newest(values) === undefined ? "" : ` (${newest(values)})`);
const device = (facts: Facts) => (newest(facts.devices) === undefined ? "" : ` of your ${newest(facts.devices)}`);
const plan = (facts: Facts) => (facts.plan === undefined ? "" : ` for Harbor ${facts.plan}`);

function ordinal(count: number): string {
  return ["", "first", "second", "third", "fourth", "fifth"][count] ?? `${count}th`;
}
