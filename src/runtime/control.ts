// What a worker can be asked on its control subject, and how it is asked. Texts, so that a person can do it too:
//
//   nats req troupe.worker.<id> ''                                            is it alive? Answered with nothing
//   nats req troupe.worker.<id> drain                                         gives everything back and ends
//   nats req troupe.worker.<id> figures                                       its figures as JSON (core/figures.ts): as many series as
//                                                                             one message carries; `"more":n` when there are others
//   nats req troupe.worker.<id> 'figures n'                                   those from the n-th on
//   nats req troupe.worker.<id> 'feed {"forMs":5000,"perSecond":100}'         tells troupe.feed.<id> what happens, for so long
//
//   N1. What is none of these is answered with an error that says so, and changes nothing (P10). Anybody may ask: what is
//       larger than any question is not read, and of what was sent nothing is kept but what is asked for.

import { decodeText, encodeText } from "../core/codec.ts";
import { messageOf, TroupeError } from "../core/errors.ts";
import type { FiguresSnapshot } from "../core/figures.ts";
import { seriesKey } from "../core/figures.ts";
import type { Mail, PingOutcome, RequestOutcome } from "./mail.ts";
import { pingOutcomeOf } from "./mail.ts";

/** Which items of a feed; all that is named has to be so. */
export interface FeedFilter {
  /** Of actors of these types. */
  readonly types?: readonly string[];
  /** Of these kinds of events. */
  readonly kinds?: readonly string[];
  /** Of this actor: `type/id`. */
  readonly actor?: string;
  /** About these methods. */
  readonly methods?: readonly string[];
  /** At least so urgent: "warn" is warnings and errors. */
  readonly level?: "warn" | "error";
}

/** What somebody wants of a worker's feed. */
export interface FeedWish {
  /** For how long. Unit: ms, at most 60,000. */
  readonly forMs: number;
  /** Ordinary items at most in each second, 0 to 1,000; what an operator must know goes out besides. */
  readonly perSecond: number;
  readonly only?: FeedFilter;
}

/** What a wish is called on both sides: two that want the same are one. */
export function wishName(perSecond: number, only: FeedFilter | undefined): string {
  const { types, kinds, actor, methods, level } = only ?? {};
  // Workers of an older version know the first four alone, and call what asks for no more by the same name.
  const more = methods === undefined && level === undefined ? [] : [methods, level];
  return JSON.stringify([perSecond, types, kinds, actor, ...more]);
}

export type Control =
  | { readonly kind: "drain" }
  | { readonly kind: "figures"; readonly from: number }
  | { readonly kind: "feed"; readonly wish: FeedWish };

export const feedForMsMax = 60_000;
export const feedPerSecondMax = 1_000;
/** Names in one list of a filter. */
const namesMax = 100;
/** Largest question. Unit: bytes. */
const controlBytesMax = 16_384;

/** Rejects with OPTION_INVALID (N1). */
export function readControl(payload: Uint8Array): Control {
  if (payload.length > controlBytesMax) {
    throw new TroupeError("OPTION_INVALID", `a question takes at most ${controlBytesMax} bytes, got ${payload.length}`);
  }
  const text = decodeText(payload).trim();
  if (text === "drain") return { kind: text };
  const figures = /^figures(?: (\d{1,9}))?$/.exec(text);
  if (figures !== null) return { kind: "figures", from: Number(figures[1] ?? 0) };
  if (text.startsWith("feed")) return { kind: "feed", wish: readWish(text.slice("feed".length)) };
  const known = "a worker is asked for `drain`, `figures` or `feed {…}`, or with nothing whether it lives";
  throw new TroupeError("OPTION_INVALID", `${known}; got ${JSON.stringify(text.slice(0, 100))}`);
}

function readWish(text: string): FeedWish {
  let value: unknown;
  try {
    value = text.trim() === "" ? {} : JSON.parse(text);
  } catch (thrown) {
    throw new TroupeError("OPTION_INVALID", `what is wanted of a feed is JSON: ${messageOf(thrown)}`);
  }
  if (!isRecord(value)) throw invalid("a wish for a feed is an object", value);
  const { forMs = 5_000, perSecond = 100, only } = value as Partial<Record<keyof FeedWish, unknown>>;
  checkWhole("forMs", forMs, 1, feedForMsMax);
  checkWhole("perSecond", perSecond, 0, feedPerSecondMax);
  return { forMs, perSecond, ...(only === undefined ? {} : { only: readFilter(only) }) };
}

function readFilter(value: unknown): FeedFilter {
  if (!isRecord(value)) throw invalid("`only` is an object", value);
  const { types, kinds, actor, methods, level } = value as Partial<Record<keyof FeedFilter, unknown>>;
  if (actor !== undefined && typeof actor !== "string") throw invalid("`only.actor` is `type/id`", actor);
  if (level !== undefined && level !== "warn" && level !== "error") {
    throw invalid("`only.level` is `warn` or `error`", level);
  }
  return {
    ...(types === undefined ? {} : { types: readNames("types", types) }),
    ...(kinds === undefined ? {} : { kinds: readNames("kinds", kinds) }),
    ...(actor === undefined ? {} : { actor }),
    ...(methods === undefined ? {} : { methods: readNames("methods", methods) }),
    ...(level === undefined ? {} : { level }),
  };
}

function readNames(list: string, value: unknown): readonly string[] {
  const isList = Array.isArray(value) && value.length <= namesMax && value.every((name) => typeof name === "string");
  if (!isList) throw invalid(`\`only.${list}\` is a list of at most ${namesMax} names`, value);
  return value;
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkWhole(name: string, value: unknown, least: number, most: number): asserts value is number {
  if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) return;
  throw invalid(`\`${name}\` must be a whole number from ${least} to ${most}`, value);
}

/** Says what came as far as that is safe: what is nested deeply cannot be printed. */
function invalid(what: string, got: unknown): TroupeError {
  const came = Array.isArray(got) ? "a list" : isRecord(got) ? "an object" : JSON.stringify(got)?.slice(0, 100);
  return new TroupeError("OPTION_INVALID", `${what}, got ${came}`);
}

/** Figures as they are answered: `more` is where the series go on that did not fit. */
type FiguresPart = FiguresSnapshot & { readonly more?: number };

/** Answers that one snapshot is read from. */
const partsMax = 100;

/** The figures from the `from`-th series on, as many as `bytesMax` hold. */
export function encodeFigures(figures: FiguresSnapshot, from: number, bytesMax: number): Uint8Array {
  const all = figures.series.length;
  for (let end = all; ; end = from + Math.ceil((end - from) / 2)) {
    const part: FiguresPart = {
      ...figures,
      series: figures.series.slice(from, end),
      ...(end < all ? { more: end } : {}),
    };
    const payload = encodeText(JSON.stringify(part));
    if (payload.length <= bytesMax || end <= from + 1) return payload;
  }
}

/** The figures of a worker. "nobody": it is not connected. "unknown": it gave no answer in time, or has none to give. */
export async function figuresOf(
  mail: Mail,
  worker: string,
  timeoutMs: number,
): Promise<FiguresSnapshot | "nobody" | "unknown"> {
  let whole: FiguresSnapshot | undefined;
  for (let [parts, from] = [0, 0]; parts < partsMax; parts += 1) {
    const outcome = await mail.control(worker, encodeText(from === 0 ? "figures" : `figures ${from}`), timeoutMs);
    if (outcome.kind === "nobody") return "nobody";
    const part = outcome.kind === "reply" && outcome.errorCode === undefined ? readFigures(outcome.payload) : undefined;
    if (part === undefined) return "unknown";
    const { more, ...figures } = part;
    whole = whole === undefined ? figures : joined(whole, figures);
    if (more === undefined || more <= from) return whole;
    from = more;
  }
  return "unknown";
}

/** What has begun to be counted between two answers moves what is behind it: that comes twice, and is taken once. */
function joined(whole: FiguresSnapshot, { series }: FiguresSnapshot): FiguresSnapshot {
  const byKey = new Map([...whole.series, ...series].map((one) => [seriesKey(one), one]));
  return { ...whole, series: [...byKey.values()] };
}

/** Undefined when it is none: an older worker answers a command that it does not know with nothing. */
function readFigures(payload: Uint8Array): FiguresPart | undefined {
  try {
    const value = JSON.parse(decodeText(payload)) as Partial<FiguresPart> | null;
    return Array.isArray(value?.series) ? (value as FiguresPart) : undefined;
  } catch {
    return undefined;
  }
}

/** Tells a worker to give everything back and to end. */
export async function drainWorker(mail: Mail, worker: string, timeoutMs: number): Promise<PingOutcome> {
  return pingOutcomeOf(await mail.control(worker, encodeText("drain"), timeoutMs));
}

/** Asks a worker to tell its feed what happens there. */
export function wishFeed(mail: Mail, worker: string, wish: FeedWish, timeoutMs: number): Promise<RequestOutcome> {
  return mail.control(worker, encodeText(`feed ${JSON.stringify(wish)}`), timeoutMs);
}
