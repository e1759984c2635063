// Reads conversations in the form of LoCoMo (snap-research/locomo): sessions of turns, and questions with the turns that
// answer them. The data is read where it lies and never copied: its licence is for non-commercial use.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Turn {
  readonly id: string;
  readonly speaker: string;
  readonly text: string;
  /** When its session began. */
  readonly atMs: number;
}

export interface Question {
  readonly question: string;
  readonly category: number;
  /** Ids of turns that exist. */
  readonly evidence: readonly string[];
}

export interface Conversation {
  readonly name: string;
  readonly turns: readonly Turn[];
  readonly questions: readonly Question[];
}

/** Questions that nothing answers. */
const adversarial = 5;

/** The conversations of a folder's `*.json`, or why there are none. */
export function readConversations(folder: string): readonly Conversation[] | string {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch (thrown) {
    return `cannot read the folder ${folder}: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  }
  const conversations: Conversation[] = [];
  for (const name of names.sort()) {
    try {
      const data: unknown = JSON.parse(readFileSync(join(folder, name), "utf8"));
      // As published all conversations are one file, a list.
      const all = Array.isArray(data) ? data : [data];
      conversations.push(...all.map((each) => toConversation(name, each)).filter(({ turns }) => turns.length > 0));
    } catch (thrown) {
      return `cannot read ${join(folder, name)}: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
    }
  }
  return conversations.length > 0 ? conversations : `${folder} holds no conversation (*.json with session_1, qa)`;
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields => (typeof value === "object" && value !== null ? (value as Fields) : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function toConversation(name: string, data: unknown): Conversation {
  const { qa, conversation } = fieldsOf(data);
  const sessions = fieldsOf(conversation ?? data);
  const numbers = Object.keys(sessions).flatMap((key) => /^session_(\d+)$/.exec(key)?.[1] ?? []);
  const turns = numbers
    .map(Number)
    .sort((first, second) => first - second)
    .flatMap((number) => {
      const atMs = momentOf(String(sessions[`session_${number}_date_time`]));
      return listOf(sessions[`session_${number}`]).map((turn) => toTurn(fieldsOf(turn), atMs));
    });
  const ids = new Set(turns.map(({ id }) => id));
  const questions = listOf(qa)
    .map((each) => toQuestion(fieldsOf(each), ids))
    .filter(({ category, evidence }) => category !== adversarial && evidence.length > 0);
  return { name, turns, questions };
}

/** What a picture shows belongs to what its turn says. */
function toTurn({ dia_id, speaker, text, blip_caption }: Fields, atMs: number): Turn {
  const caption = typeof blip_caption === "string" ? `\n${blip_caption}` : "";
  return { id: String(dia_id), speaker: String(speaker), text: `${String(text ?? "")}${caption}`, atMs };
}

/** Some entries of `evidence` hold several ids, some none, some such as no turn has: those that exist count. */
function toQuestion({ question, category, evidence }: Fields, ids: ReadonlySet<string>): Question {
  const named = listOf(evidence).flatMap((entry) => [...String(entry).matchAll(/D:?(\d+):0*(\d+)/g)]);
  const existing = new Set(named.map(([, session, turn]) => `D${session}:${turn}`).filter((id) => ids.has(id)));
  return { question: String(question), category: Number(category), evidence: [...existing] };
}

const months = "january february march april may june july august september october november december".split(" ");

/** `1:56 pm on 8 May, 2023` */
export function momentOf(text: string): number {
  const [, hour, minute, half, day, month, year] =
    /^(\d+):(\d+) (am|pm) on (\d+) (\w+), (\d+)$/.exec(text.trim().toLowerCase()) ?? [];
  const hours = (Number(hour) % 12) + (half === "pm" ? 12 : 0);
  const moment = Date.UTC(Number(year), months.indexOf(month ?? ""), Number(day), hours, Number(minute));
  if (month === undefined || !Number.isFinite(moment))
    throw new Error(`${JSON.stringify(text)} is no date of a session`);
  return moment;
}
