// The alerts of the groups troupe-messages and troupe-commits.

import type { AlertCase } from "./alert-case.ts";
import { buckets, cluster, growing, longRunning, startedAt, steps, unread, worker } from "./alert-case.ts";

const blueOf = { app: "desk", instance: "10.0.0.1:9464", name: "blue" };
const main = { app: "desk", pool: "main" };
const ofWriter = { app: "desk", type: "writer" };
const at = { type: "writer", method: "note" };

const lag = (partition: number) => cluster("troupe_mailbox_lag", { pool: "main", partition: String(partition) });
const oldest = (partition: number) =>
  cluster("troupe_mailbox_oldest_seconds", { pool: "main", partition: String(partition) });

const waiting: readonly AlertCase[] = [
  {
    alert: "TroupeMailboxStuck",
    when: "an actor is stopped, and resumed later",
    series: { [oldest(0)]: steps([0, 0.4]), [oldest(1)]: (now) => (now > 5 && now < 25 ? (now - 5) * 60 : 0.2) },
    silentAt: [4, 10, 14, 26],
    firesAt: [20],
    says: { labels: main, summary: "The oldest message of the pool main of desk waits for 15m 0s." },
  },
  {
    alert: "TroupeMailboxLag",
    when: "more is told than is handled, until there are more workers",
    series: {
      [lag(0)]: steps([0, 900], [5, 12_000], [30, 200]),
      [lag(1)]: steps([0, 900], [5, 11_000], [30, 200]),
      [oldest(0)]: steps([0, 0.9], [5, 70], [30, 0.9]),
      [oldest(1)]: steps([0, 0.9], [5, 20], [30, 0.9]),
    },
    silentAt: [4, 14, 31],
    firesAt: [16, 29],
    says: { labels: main, summary: "23000 messages wait in the pool main of desk." },
  },
  {
    alert: "TroupeMailboxLag",
    when: "twenty thousand messages a second are told and handled: what came since the cursor was saved last counts as lag",
    series: {
      [lag(0)]: steps([0, 11_000]),
      [lag(1)]: steps([0, 9_000]),
      [oldest(0)]: steps([0, 1.1]),
      [oldest(1)]: steps([0, 1.1]),
    },
    silentAt: [5, 15, 30],
  },
];

const told = (code: string, by = "client") => worker("troupe_messages_told_total", { ...at, by, code });
const refused = (code: string) => ({ ...ofWriter, code });

const tells: readonly AlertCase[] = [
  {
    alert: "TroupeTellsRefused",
    when: "a worker that runs for long has its first tell refused",
    series: { ...longRunning, [told("ok")]: growing(6_000), [told("TELL_REFUSED")]: steps([10.25, 1]) },
    silentAt: [9, 16],
    firesAt: [10.5, 15],
    says: {
      labels: refused("TELL_REFUSED"),
      summary: "1 messages to writer of desk were not taken in 5 minutes: TELL_REFUSED.",
    },
  },
  {
    alert: "TroupeTellsRefused",
    when: "tells are refused right after the start, before the first scrape",
    series: { ...startedAt(10), [told("ok")]: growing(6_000, 10.25), [told("TELL_REFUSED")]: steps([10.25, 7]) },
    silentAt: [9, 16],
    firesAt: [10.5, 14.5],
    says: {
      labels: refused("TELL_REFUSED"),
      summary: "7 messages to writer of desk were not taken in 5 minutes: TELL_REFUSED.",
    },
  },
  {
    alert: "TroupeTellsRefused",
    when: "some are refused again, after others long ago, and the process was started anew meanwhile",
    series: { ...startedAt(0, 8), [told("TELL_REFUSED")]: steps([0.25, 7], [7.75], [20.25, 2]) },
    silentAt: [6, 19, 26],
    firesAt: [20.5, 25],
    says: {
      labels: refused("TELL_REFUSED"),
      summary: "2 messages to writer of desk were not taken in 5 minutes: TELL_REFUSED.",
    },
  },
  {
    alert: "TroupeTellsRefused",
    when: "two more are refused, long after others",
    series: { ...longRunning, [told("TELL_REFUSED")]: steps([0, 7], [20, 9]) },
    silentAt: [6, 19, 26],
    firesAt: [20.25, 24],
    says: {
      labels: refused("TELL_REFUSED"),
      summary: "2 messages to writer of desk were not taken in 5 minutes: TELL_REFUSED.",
    },
  },
  {
    alert: "TroupeTellsRefused",
    when: "Prometheus is new, or was away: what was refused long ago is no news",
    series: {
      [worker("troupe_started_seconds")]: unread(steps([0, -86_400]), 10, 20),
      [told("TELL_REFUSED")]: unread(steps([0, 50]), 10, 20),
    },
    silentAt: [0.25, 1, 4.75, 5, 6, 9, 20, 21, 24, 25, 26],
  },
];

const dead = worker("troupe_messages_dead_total", { ...at, code: "HANDLER_FAILED" });
const kept = cluster("troupe_dead_kept");

const given: readonly AlertCase[] = [
  {
    alert: "TroupeDeadLetters",
    when: "five more are given up on while somebody replays ten",
    series: { ...longRunning, [dead]: steps([0, 10], [20, 15]), [kept]: steps([0, 10], [20, 5]) },
    silentAt: [19, 36],
    firesAt: [20.25, 34],
    says: { labels: { app: "desk" }, summary: "5 messages of desk were given up on in 15 minutes." },
  },
  {
    alert: "TroupeDeadLetters",
    when: "the first of a method, in a worker that runs for long and one that has just begun",
    series: {
      ...longRunning,
      ...{ [dead]: steps([20, 3]), [kept]: steps([0, 0], [20, 3]) },
      ...{ [worker("troupe_started_seconds", { instance: "10.0.0.2:9464" })]: steps([20, 1_190]) },
      ...{
        [worker("troupe_messages_dead_total", { ...at, code: "TURN_TIMEOUT", instance: "10.0.0.2:9464" })]: steps([
          20, 2,
        ]),
      },
    },
    silentAt: [19, 36],
    firesAt: [20.25, 34],
    says: { labels: { app: "desk" }, summary: "5 messages of desk were given up on in 15 minutes." },
  },
  {
    alert: "TroupeDeadLetters",
    when: "no worker is scraped, and the stream is at its limit or was emptied before",
    series: { [kept]: steps([0, 100], [18, 0], [20, 4]) },
    silentAt: [17, 19, 36],
    firesAt: [20.25, 34],
    says: { labels: { app: "desk" }, summary: "4 messages of desk were given up on in 15 minutes." },
  },
];

const known: readonly AlertCase[] = [
  {
    alert: "TroupeDeadLetters",
    when: "Prometheus is new, or was away: what was given up on long ago is no news",
    series: {
      [worker("troupe_started_seconds")]: unread(steps([0, -86_400]), 30, 40),
      ...{ [dead]: unread(steps([0, 50]), 30, 40), [kept]: unread(steps([0, 50]), 30, 40) },
    },
    silentAt: [0.25, 1, 14, 16, 29, 40, 41, 44, 46, 50, 55, 57],
  },
];

const turns = (code: string) => worker("troupe_turns_total", { ...at, turn: "ask", code });
const asked = (code: string) => worker("troupe_messages_asked_total", { ...at, code });
/** So many a minute between two times. */
const between = (from: number, to: number, perMinute: number) => (now: number) =>
  Math.min(Math.max(0, now - from), to - from) * perMinute;

const answers: readonly AlertCase[] = [
  {
    alert: "TroupeTurnsFail",
    when: "a tenth of the turns fails for a while",
    series: { [turns("ok")]: growing(900), [turns("HANDLER_FAILED")]: between(10, 30, 100) },
    silentAt: [9, 12, 37],
    firesAt: [20, 30],
    says: { labels: ofWriter, summary: "10% of the turns of writer of desk fail." },
  },
  {
    alert: "TroupeTurnsFail",
    when: "three turns in a hundred fail, and nothing runs at all later",
    series: { [turns("ok")]: between(0, 30, 970), [turns("HANDLER_FAILED")]: between(0, 30, 30) },
    silentAt: [9, 20, 30, 37, 50],
  },
  {
    alert: "TroupeTurnsFail",
    when: "many fail at once, and then no more",
    series: { [turns("ok")]: growing(900), [turns("HANDLER_FAILED")]: steps([0, 5], [10, 2_000]) },
    silentAt: [9, 10.25, 12, 14.75, 15, 16],
  },
  {
    alert: "TroupeAsksUnanswered",
    when: "partitions are without owner, then handlers are slow, then all is well",
    series: {
      [asked("ok")]: growing(900),
      [asked("ASK_UNREACHABLE")]: between(10, 20, 100),
      [asked("ASK_TIMEOUT")]: between(20, 30, 100),
    },
    silentAt: [9, 14, 36],
    firesAt: [18, 30],
    says: { labels: ofWriter, summary: "10% of the asks to writer of desk get no answer." },
  },
  {
    alert: "TroupeAsksUnanswered",
    when: "somebody asks once a minute, and nobody answers any more",
    series: {
      [asked("ok")]: between(0, 10, 1),
      [asked("ASK_TIMEOUT")]: (now) => Math.floor(Math.min(20, Math.max(0, now - 10))),
    },
    silentAt: [9, 11, 37],
    firesAt: [20, 30],
    says: { labels: ofWriter, summary: "100% of the asks to writer of desk get no answer." },
  },
  {
    alert: "TroupeAsksUnanswered",
    when: "a few asks time out now and then, and many are refused by what they ask",
    series: { [asked("ok")]: growing(100), [asked("ASK_TIMEOUT")]: growing(8), [asked("INPUT_INVALID")]: growing(600) },
    silentAt: [9, 18, 30],
  },
  {
    alert: "TroupeMailboxesFull",
    when: "one actor is asked more than it can do",
    series: { [worker("troupe_mailbox_full_total", { type: "writer" })]: between(10, 30, 20) },
    silentAt: [9, 14, 36],
    firesAt: [20, 30],
    says: { labels: ofWriter, summary: "More asks wait for actors of writer of desk than one may hold." },
  },
];

const late = (counts: Parameters<typeof buckets>[2]) =>
  buckets("troupe_timer_late_seconds_bucket", { type: "writer" }, counts);
const lateBy = { labels: ofWriter, summary: "Timers of writer of desk fire 15.92s late." };

const timers: readonly AlertCase[] = [
  {
    alert: "TroupeTimersLate",
    when: "the timers of midnight, the first of the type, all fire late",
    series: {
      ...longRunning,
      ...late({ "8": steps([0, 0]), "16": steps([0, 0], [20, 100]), "+Inf": steps([0, 0], [20, 100]) }),
    },
    silentAt: [19, 36],
    firesAt: [20.25, 34],
    says: lateBy,
  },
  {
    alert: "TroupeTimersLate",
    when: "those that were due while nobody ran fire late, at the start",
    series: {
      ...startedAt(20),
      ...late({ "8": steps([20.25, 0]), "16": steps([20.25, 100]), "+Inf": steps([20.25, 100]) }),
    },
    silentAt: [19, 36],
    firesAt: [20.5, 34],
    says: lateBy,
  },
  {
    alert: "TroupeTimersLate",
    when: "those of partitions whose owner froze come when others have taken them",
    series: {
      ...longRunning,
      ...late({ "4": steps([0, 0]), "8": steps([0, 0], [20, 100]), "+Inf": steps([0, 0], [20, 100]) }),
    },
    silentAt: [19, 20.25, 21, 34],
  },
  {
    alert: "TroupeTimersLate",
    when: "one in two hundred fires late, the others within a quarter of a second",
    series: {
      ...longRunning,
      ...late({ "0.25": growing(199), "8": growing(199), "16": growing(200), "+Inf": growing(200) }),
    },
    silentAt: [5, 19, 36],
  },
];

const failed = (reason: string) => worker("troupe_commits_failed_total", { type: "writer", reason });
const took = (counts: Parameters<typeof buckets>[2]) =>
  buckets("troupe_commit_duration_seconds_bucket", { type: "writer" }, counts);
const conflicts = worker("troupe_conflicts_total", { bucket: "facts", of: "user" });

export const commitCases: readonly AlertCase[] = [
  {
    alert: "TroupeCommitsRefused",
    when: "a single commit is refused",
    series: {
      ...longRunning,
      [failed("refused")]: steps([0, 0], [10, 1]),
      [failed("superseded")]: steps([0, 0], [2, 9]),
    },
    silentAt: [3, 9, 16],
    firesAt: [10.25, 14],
    says: { labels: ofWriter, summary: "The server refused 1 commits of writer of desk in 5 minutes." },
  },
  {
    alert: "TroupeCommitsRefused",
    when: "commits are refused between the start and the first scrape",
    series: { ...startedAt(10), [failed("refused")]: steps([10.25, 4]) },
    silentAt: [9, 16],
    firesAt: [10.5, 14],
    says: { labels: ofWriter, summary: "The server refused 4 commits of writer of desk in 5 minutes." },
  },
  {
    alert: "TroupeCommitsSlow",
    when: "the disk is slow for half an hour",
    series: took({
      "0.015625": (now) => (Math.min(now, 5) + Math.max(0, now - 35)) * 600,
      ...{ "2": growing(600), "+Inf": growing(600) },
    }),
    silentAt: [4, 14, 60],
    firesAt: [20, 35],
    says: { labels: { app: "desk" }, summary: "The slowest hundredth of the commits of desk takes more than 1.98s." },
  },
  {
    alert: "TroupeCommitsSlow",
    when: "one commit in a thousand is slow",
    series: took({ "0.25": growing(0), "0.5": growing(999), "2": growing(1_000), "+Inf": growing(1_000) }),
    silentAt: [4, 14, 30],
  },
  {
    alert: "TroupeConflicts",
    when: "many write the same facts for half an hour",
    series: { [conflicts]: between(10, 40, 600) },
    silentAt: [9, 19, 46],
    firesAt: [25, 40],
    says: {
      labels: { app: "desk", bucket: "facts", of: "user" },
      summary: "10 writes a second of user (bucket facts) of desk lose a race.",
    },
  },
  {
    alert: "TroupeOutboxGrows",
    when: "the server stores more slowly than turns send",
    series: { [worker("troupe_outbox_pending")]: steps([0, 600], [5, 4_000], [20, 30]) },
    silentAt: [4, 9, 21],
    firesAt: [11, 19],
    says: {
      labels: blueOf,
      summary: "4000 messages of blue (10.0.0.1:9464) of desk are committed and not yet stored where they go.",
    },
  },
];

export const messageCases: readonly AlertCase[] = [...waiting, ...tells, ...given, ...known, ...answers, ...timers];
