// What a message tells about the customer: orders, devices, addresses, plan. Found by form, merged into what is known.

import { z } from "zod";

const languages = ["en", "de", "es", "fr", "pl", "pt", "ja"] as const;
export type Language = (typeof languages)[number];

const list = z.array(z.string());

export const factsSchema = z.object({
  orders: list,
  returns: list,
  serials: list,
  devices: list,
  firmware: list,
  /** MAC and IPv4 addresses of devices. */
  addresses: list,
  amounts: list,
  errors: list,
  plan: z.string().optional(),
  language: z.enum(languages).optional(),
});
export type Facts = z.infer<typeof factsSchema>;

type ListName = Exclude<keyof Facts, "plan" | "language">;

export const noFacts = (): Facts => ({
  orders: [],
  returns: [],
  serials: [],
  devices: [],
  firmware: [],
  addresses: [],
  amounts: [],
  errors: [],
});

/** Kept of each kind, the newest; a customer who never stops writing does not fill the state. */
const factsMax = 12;

const forms: Readonly<Record<ListName, RegExp>> = {
  orders: /\bHB-\d{4,6}\b/gi,
  returns: /\bRMA-\d{3,6}\b/gi,
  serials: /\bHS-[0-9A-Z]{4}-\d{2}\b/gi,
  devices: /\bHarbor (?:One|Mini|Max)\b/gi,
  // Not a part of an IP address.
  firmware: /(?<![\d.])\d\.\d\.\d{1,2}(?![\d.]*\d)/g,
  addresses: /\b(?:[0-9A-F]{2}:){5}[0-9A-F]{2}\b|(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)/gi,
  amounts: /[€£$]\s?\d+(?:[.,]\d{2})?/g,
  errors: /\berror E-\d+\b/gi,
};

const planForm = /\bHarbor (Basic|Plus|Family|Business)\b/i;

/** Words and letters that betray a language; two of them, or one that no other has, are enough. */
const languageCues: ReadonlyArray<readonly [Language, RegExp]> = [
  ["ja", /\p{Script=Hiragana}{2}/gu],
  ["de", /\b(?:ich|nicht|bitte|mein|meine|der|und|vielen|dank|guten|noch|kann)\b/giu],
  ["es", /\b(?:hola|quiero|gracias|pedido|tengo|reembolso|cuándo|días|muchas|ayuda)\b|[¿¡]/giu],
  ["fr", /\b(?:bonjour|merci|beaucoup|parfait|je|vous)\b/giu],
  ["pl", /\b(?:dzień|dziękuję|proszę|dobry)/giu],
  ["pt", /\b(?:olá|obrigada|obrigado)\b/giu],
];

/** What stands in one text. The lists hold each value once, in the order of the text. */
export function findFacts(text: string): Facts {
  const facts = noFacts();
  for (const name of listNames) {
    const values = [...text.matchAll(forms[name])].map(([value]) => canonical(name, value));
    facts[name] = [...new Set(values)].slice(-factsMax);
  }
  const plan = planForm.exec(text)?.[1];
  if (plan !== undefined) facts.plan = capitalised(plan);
  const language = languageOf(text);
  if (language !== undefined) facts.language = language;
  return facts;
}

/** Adds what is new to what is known; of each list the newest `factsMax` stay. Changes `known` in place. */
export function learn(known: Facts, found: Facts): void {
  for (const name of listNames) {
    const fresh = found[name].filter((value) => !known[name].includes(value));
    if (fresh.length > 0) known[name] = [...known[name], ...fresh].slice(-factsMax);
  }
  if (found.plan !== undefined) known.plan = found.plan;
  // Whoever has once written in a language of their own keeps it: the next message may be in English for our sake.
  if (found.language !== undefined && (known.language === undefined || found.language !== "en")) {
    known.language = found.language;
  }
}

function languageOf(text: string): Language | undefined {
  for (const [language, form] of languageCues) {
    const hits = new Set([...text.matchAll(form)].map(([hit]) => hit.toLowerCase()));
    const isTelling = language === "ja" || language === "fr" || language === "pl" || language === "pt";
    if (hits.size >= (isTelling ? 1 : 2)) return language;
  }
  return /\b(?:the|and|is|my|it|you|to)\b/i.test(text) ? "en" : undefined;
}

const listNames = Object.keys(forms) as ListName[];

function canonical(name: ListName, value: string): string {
  if (name === "devices") return value.split(" ").map(capitalised).join(" ");
  if (name === "errors") return value.slice(value.indexOf(" ") + 1).toUpperCase();
  return name === "amounts" ? value.replace(/\s/, "") : value.toUpperCase();
}

function capitalised(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase();
}
