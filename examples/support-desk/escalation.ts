// When a person must take over: rules on what the desk knows of the customer, not on one message alone.

import type { Alarm, Reading } from "./rules.ts";

export const reasons = [
  "security",
  "safety",
  "legal threat",
  "churn threat",
  "third unresolved contact",
  "second angry message",
] as const;
export type Reason = (typeof reasons)[number];

const reasonOfAlarm: Readonly<Record<Alarm, Reason>> = {
  security: "security",
  safety: "safety",
  legal: "legal threat",
  churn: "churn threat",
};

const contactsMax = 2;
const angryMax = 1;
/** How far back an angry message counts, over all of the customer's threads. Unit: ms. */
const angerMsMax = 48 * 3_600_000;

/** What the rules look at, with the message in question already counted. */
export interface Situation {
  readonly reading: Reading;
  readonly at: string;
  /** Contacts about this matter since it was last settled. */
  readonly contacts: number;
  /** When this customer wrote angrily: the last times, this message included. */
  readonly angryAt: readonly string[];
  /** What a person has been told about this matter already. */
  readonly raised: readonly Reason[];
}

/** The reasons that are new. Each is raised once for a matter until it is settled. */
export function escalationsOf(situation: Situation): Reason[] {
  const { reading, contacts, raised } = situation;
  if (reading.resolves) return reading.alarms.map((alarm) => reasonOfAlarm[alarm]).filter(isNew);
  const found = reading.alarms.map((alarm) => reasonOfAlarm[alarm]);
  // Somebody who writes a third time to say how glad they are needs nobody's call.
  if (contacts > contactsMax && reading.mood !== "happy") found.push("third unresolved contact");
  if (reading.mood === "angry" && recentAnger(situation) > angryMax) found.push("second angry message");
  return found.filter(isNew);

  function isNew(reason: Reason): boolean {
    return !raised.includes(reason);
  }
}

function recentAnger({ at, angryAt }: Situation): number {
  const now = Date.parse(at);
  return angryAt.filter((time) => Math.abs(now - Date.parse(time)) <= angerMsMax).length;
}
