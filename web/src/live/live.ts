// What the server says by itself: one streaming request for the whole page.
//
//   V1. One request, whatever is looked at. It asks for the topics that somebody on the page listens to, and `now` always.
//   V2. Listeners hear at most once a frame, all of a frame in one batch, so that 10,000 changes a second freeze nothing.
//   V3. What waits for the next frame is bounded: beyond that the oldest events go.
//   V4. When it breaks, `connection` says since when and why, and it tries again, after 0.5 s doubling to 8 s, for ever. What
//       is shown stays, and the banner says of when it is.
//   V5. Silence is noticed: the server says something each 10 s, so after 25 s without a word the connection is dead, however often
//       another view has asked anew meanwhile.
//   V6. A page that nobody sees gives its connection back: a browser opens six to a server, and the tabs that are not looked at
//       would keep the next one from loading. It asks again when it is seen, and is marked as old until it has an answer.
//   V7. When NATS is back behind a server that was there all the time, whoever reads hears of it as of a new connection: what could
//       not be read meanwhile is read then, and nobody has to press a button.

import { batch, computed, signal } from "@preact/signals";
import type { HealthView, LiveEvents, LiveTopic } from "../../../src/monitoring/dashboard/api/live.ts";
import type { Problem } from "../../../src/monitoring/dashboard/api/page.ts";
import { beforeNextFrame, later, localNow } from "../page-clock.ts";
import { problemFrom, send } from "./api-client.ts";
import type { LiveEvent } from "./event-parser.ts";
import { EventParser } from "./event-parser.ts";
import { allowAsking, asking } from "./token.ts";

export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  /** V6 */
  | { readonly state: "resting" }
  /** `sinceMs` and `againAtMs` by this machine's clock. */
  | { readonly state: "lost"; readonly sinceMs: number; readonly againAtMs: number; readonly problem: Problem };

export const connection = signal<Connection>({ state: "connecting" });
/** Of the dashboard's server with NATS; null before it has said anything. */
export const health = signal<HealthView | null>(null);
/** What is shown is not known to be so now. */
export const isStale = computed(
  () => connection.value.state === "lost" || connection.value.state === "resting" || health.value?.state === "stale",
);

type Listener = (data: never) => void;
interface Listening {
  readonly topic: LiveTopic;
  readonly pattern: string | undefined;
  readonly only: string;
  readonly hear: Listener;
}

const retryMsMin = 500;
const retryMsMax = 8_000;
const silenceMsMax = 25_000;
/** How long a page may be out of sight before it gives its connection back (V6): who goes to and fro keeps it. */
const unseenMsMax = 5_000;
const waitingMax = 512;

const listeners = new Set<Listening>();
const onConnected = new Set<() => void>();
let open: { readonly wish: string; readonly abort: AbortController } | undefined;
let waiting: LiveEvent[] = [];
let isFrameAsked = false;
let retryMs = retryMsMin;
let takeBackRetry: (() => void) | undefined;
/** Set while a word of the server is waited for (V5). */
let takeBackSilence: (() => void) | undefined;
let takeBackRest: (() => void) | undefined;
let isWishChecked = false;

/**
 * Hears a topic until the function it returns is called. `pattern` limits `changes` and `feed` to some actors, like `desk.*`; `only` the
 * feed to some of what happens, like `kind=dead-lettered`.
 */
export function listen<Topic extends LiveTopic>(
  topic: Topic,
  hear: (data: LiveEvents[Topic]) => void,
  pattern?: string,
  only = "",
): () => void {
  const listening: Listening = { topic, pattern, only, hear: hear as Listener };
  listeners.add(listening);
  checkWish();
  return () => {
    listeners.delete(listening);
    checkWish();
  };
}

/** Calls `act` each time the stream has been opened, again too, and when NATS is back (V7): what was missed can be read then. */
export function whenConnected(act: () => void): () => void {
  onConnected.add(act);
  return () => onConnected.delete(act);
}

export function startLive(): void {
  checkWish();
  addEventListener("online", tryAgain);
  document.addEventListener("visibilitychange", heedSight);
  heedSight();
}

/** Asked for by a person. */
export function tryNow(): void {
  allowAsking();
  tryAgain();
}

function tryAgain(): void {
  if (connection.peek().state === "lost") connect();
}

function wishNow(): string {
  const topics = new Set<string>(["now"]);
  const patterns = new Set<string>();
  let asked = "";
  for (const { topic, pattern, only } of listeners) {
    topics.add(topic);
    if (topic === "feed") asked = only; // One place shows it.
    if (topic === "changes" || topic === "feed") patterns.add(pattern ?? "");
  }
  const wish = new URLSearchParams({ topics: [...topics].sort().join(",") });
  // One pattern to a stream: when two places want different actors, all come and each takes its own.
  const [pattern = ""] = patterns.size === 1 ? patterns : [];
  if (pattern !== "") wish.set("pattern", pattern);
  for (const [name, value] of new URLSearchParams(asked)) wish.set(name, value);
  return String(wish);
}

/** Going from one view to another ends one wish and makes the next: it is looked at once, after both. */
function checkWish(): void {
  if (isWishChecked) return;
  isWishChecked = true;
  later(0, () => {
    isWishChecked = false;
    if (["lost", "resting"].includes(connection.peek().state)) return;
    if (open?.wish !== wishNow()) connect();
  });
}

function connect(): void {
  takeBackRetry?.();
  open?.abort.abort();
  const here = { wish: wishNow(), abort: new AbortController() };
  open = here;
  takeBackSilence ??= later(silenceMsMax, noteSilence);
  read(here.wish, here.abort).then(
    () => lose(here.abort, problemFrom(new Error("the server has ended the live stream"))),
    (error: unknown) => lose(here.abort, problemFrom(error)),
  );
}

async function read(wish: string, abort: AbortController): Promise<void> {
  const answer = await send(
    `/api/live?${wish}`,
    { signal: abort.signal },
    "The server shows nothing without its token.",
  );
  if (answer.body === null || abort.signal.aborted) return;
  retryMs = retryMsMin;
  noteWord();
  connection.value = { state: "live" };
  checkWish(); // Somebody may have gone elsewhere while there was no connection.
  for (const act of onConnected) act();
  const parser = new EventParser();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    if (abort.signal.aborted) continue;
    noteWord();
    take(parser.push(value));
  }
}

function noteWord(): void {
  takeBackSilence?.();
  takeBackSilence = later(silenceMsMax, noteSilence);
}

/** V5. While somebody is asked for the token it is they who are waited for. */
function noteSilence(): void {
  takeBackSilence = undefined;
  if (asking.peek() !== null) noteWord();
  else if (open !== undefined) {
    const { abort } = open;
    lose(abort, {
      code: "LIVE_SILENT",
      message: "the server has said nothing for 25 s",
      remedy: "It is asked again.",
    });
    abort.abort();
  }
}

/** V6 */
function heedSight(): void {
  takeBackRest?.();
  if (document.hidden) takeBackRest = later(unseenMsMax, rest);
  else if (connection.peek().state === "resting") connect();
}

function rest(): void {
  takeBackRetry?.();
  takeBackSilence?.();
  takeBackSilence = undefined;
  open?.abort.abort();
  open = undefined;
  connection.value = { state: "resting" };
}

/** V4. Only what is still wanted can be lost: a stream that another has taken the place of ends silently. */
function lose(abort: AbortController, problem: Problem): void {
  if (open?.abort !== abort) return;
  open = undefined;
  takeBackSilence?.();
  takeBackSilence = undefined;
  const before = connection.peek();
  const sinceMs = before.state === "lost" ? before.sinceMs : localNow();
  connection.value = { state: "lost", sinceMs, againAtMs: localNow() + retryMs, problem };
  takeBackRetry = later(retryMs, connect);
  retryMs = Math.min(retryMs * 2, retryMsMax);
}

function take(events: readonly LiveEvent[]): void {
  if (events.length === 0) return;
  waiting.push(...events);
  if (waiting.length > waitingMax) waiting = waiting.slice(-waitingMax);
  if (isFrameAsked) return;
  isFrameAsked = true;
  beforeNextFrame(handOut);
}

function handOut(): void {
  isFrameAsked = false;
  const events = waiting;
  waiting = [];
  let isBack = false;
  batch(() => {
    for (const { name, data } of events) {
      const said = JSON.parse(data) as never;
      if (name === "health") isBack = takeHealth(said) || isBack;
      for (const { topic, hear } of [...listeners]) if (topic === name) hear(said);
    }
  });
  if (isBack) for (const act of onConnected) act(); // V7
}

/** True when NATS is back with it. */
function takeHealth(said: HealthView): boolean {
  const before = health.peek();
  health.value = said;
  return before !== null && before.state !== "live" && said.state === "live";
}
