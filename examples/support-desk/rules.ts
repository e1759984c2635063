// What the desk understands from the text of one message: topic, mood, urgency, alarms, whether it closes the matter.
//
// Weighted word lists, so that the example runs without a network and a test can say what comes out. A real desk could
// ask a model here too; the rest of the desk depends on the shape of `Reading` and on nothing else.

import {
  alarmCues,
  angryCues,
  annoyedCues,
  happyCues,
  relaxedCue,
  resolvingCues,
  topicCues,
  urgentCue,
} from "./cues.ts";

export const topics = ["billing", "shipping", "returns", "technical", "account", "praise", "other"] as const;
export type Topic = (typeof topics)[number];

export const moods = ["happy", "calm", "annoyed", "angry"] as const;
export type Mood = (typeof moods)[number];

export const urgencies = ["low", "normal", "high"] as const;
export type Urgency = (typeof urgencies)[number];

/** What a person must hear of at once, whatever the topic. */
export const alarms = ["security", "safety", "legal", "churn"] as const;
export type Alarm = (typeof alarms)[number];

/** A pattern and what a text that matches it scores. Patterns see lower-case text with straight quotes. */
export type Cue = readonly [weight: number, pattern: RegExp];

export interface Reading {
  readonly topic: Topic;
  /** False when the words alone say little: then what the thread was about before counts more. */
  readonly isTopicSure: boolean;
  readonly mood: Mood;
  readonly urgency: Urgency;
  readonly alarms: readonly Alarm[];
  /** The customer says that the matter is settled. */
  readonly resolves: boolean;
}

const topicScoreMin = 2;
const topicScoreSure = 4;
const angryScoreMin = 3;
const annoyedScoreMin = 2;
const happyScoreMin = 2;
const resolvingScoreMin = 2;

/** Reads one message by itself; what went before in the thread is the desk's business. */
export function classify(text: string): Reading {
  const plain = text
    .normalize("NFC")
    .toLowerCase()
    .replace(/[‘’]/g, "'")
    // The one "thanks" that means its opposite.
    .replaceAll("no thanks to you", "");
  const found = alarms.filter((alarm) => alarmCues[alarm].test(plain));
  const angry = score(plain, angryCues) + (isShouted(text) ? angryScoreMin : 0);
  const annoyed = score(plain, annoyedCues);
  const isHeated = angry >= angryScoreMin || found.includes("legal") || found.includes("churn");
  const [topic, topicScore] = topicOf(plain);
  // Praise asks for nothing.
  const isPraise = topic === "praise" && !plain.includes("?");
  const happy = score(plain, happyCues) + (isPraise ? happyScoreMin : 0);
  const resolves = !isHeated && (isPraise || score(plain, resolvingCues) >= resolvingScoreMin);
  const mood = moodOf({ happy, angry, annoyed, resolves });
  return {
    topic,
    isTopicSure: topicScore >= topicScoreSure,
    mood,
    urgency: urgencyOf(plain, mood, resolves, found),
    alarms: found,
    resolves,
  };
}

function topicOf(plain: string): [Topic, number] {
  let best: Topic = "other";
  let bestScore = 0;
  for (const [topic, cues] of topicCues) {
    const points = score(plain, cues);
    if (points >= topicScoreMin && points > bestScore) [best, bestScore] = [topic, points];
  }
  return [best, bestScore];
}

function moodOf(points: { happy: number; angry: number; annoyed: number; resolves: boolean }): Mood {
  // Somebody who says that it is settled is content, whatever else stands in the message.
  if (points.resolves) return points.happy > 0 ? "happy" : "calm";
  if (points.angry >= angryScoreMin) return "angry";
  if (points.angry + points.annoyed - points.happy >= annoyedScoreMin) return "annoyed";
  return points.happy - points.annoyed >= happyScoreMin ? "happy" : "calm";
}

function urgencyOf(plain: string, mood: Mood, resolves: boolean, found: readonly Alarm[]): Urgency {
  if (found.includes("security") || found.includes("safety")) return "high";
  if (resolves || relaxedCue.test(plain)) return "low";
  if (mood === "angry" || urgentCue.test(plain)) return "high";
  return mood === "happy" ? "low" : "normal";
}

/** A dozen capitals, and one for each two small letters or more: somebody is shouting. */
function isShouted(text: string): boolean {
  const capitals = text.match(/\p{Lu}/gu)?.length ?? 0;
  const small = text.match(/\p{Ll}/gu)?.length ?? 0;
  return capitals >= 12 && capitals * 2 >= small;
}

function score(plain: string, cues: readonly Cue[]): number {
  let points = 0;
  for (const [weight, pattern] of cues) if (pattern.test(plain)) points += weight;
  return points;
}
