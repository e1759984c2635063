// Figures for people: at most three or four digits, the unit always beside, and a dash for what is not known, never a 0.

export const unknown = "–";

const steps = [
  { at: 1e9, unit: "G" },
  { at: 1e6, unit: "M" },
  { at: 1e4, unit: "k" },
] as const;

/** 0, 0.4, 12, 9,999, 12.3k, 4.56M. */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return unknown;
  const size = Math.abs(value);
  for (const { at, unit } of steps) if (size >= at) return threeDigits(value / (at === 1e4 ? 1e3 : at)) + unit;
  if (size !== 0 && size < 10 && !Number.isInteger(value)) return value.toFixed(1);
  return Math.round(value).toLocaleString("en");
}

/** Every digit: 1,234,567. */
export function exact(value: number | null | undefined): string {
  return value === null || value === undefined ? unknown : value.toLocaleString("en");
}

function threeDigits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

export interface Measure {
  readonly value: string;
  readonly unit: string;
}

/** A duration as a number and its unit, apart so that the unit can be printed smaller: 640 µs, 4.2 ms, 1.3 s, 12 min, 3 h, 2 d. */
export function durationParts(ms: number | null | undefined): Measure {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return { value: unknown, unit: "ms" };
  if (ms > 0 && ms < 1) return { value: String(Math.round(ms * 1_000)), unit: "µs" };
  if (ms < 1_000) return { value: ms < 10 ? oneDecimal(ms) : String(Math.round(ms)), unit: "ms" };
  if (ms < 60_000) return { value: ms < 10_000 ? oneDecimal(ms / 1_000) : String(Math.round(ms / 1_000)), unit: "s" };
  if (ms < 3_600_000) return { value: String(Math.floor(ms / 60_000)), unit: "min" };
  if (ms < 86_400_000) return { value: oneDecimal(ms / 3_600_000), unit: "h" };
  return { value: oneDecimal(ms / 86_400_000), unit: "d" };
}

const oneDecimal = (value: number): string => value.toFixed(1).replace(/\.0$/, "");

export function duration(ms: number | null | undefined): string {
  const { value, unit } = durationParts(ms);
  return value === unknown ? unknown : `${value} ${unit}`;
}

/** 512 B, 12.3 kB, 4.56 MB: powers of 1,000. */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return unknown;
  const size = Math.abs(value);
  if (size < 1_000) return `${Math.round(value)} B`;
  for (const [at, unit] of [
    [1e12, "TB"],
    [1e9, "GB"],
    [1e6, "MB"],
  ] as const)
    if (size >= at) return `${threeDigits(value / at)} ${unit}`;
  return `${threeDigits(value / 1e3)} kB`;
}

/** 0 to 1 as 0 % to 100 %. */
export function share(value: number | null | undefined): string {
  return value === null || value === undefined || !Number.isFinite(value) ? unknown : `${Math.round(value * 100)} %`;
}

/** "1 worker", "3 workers". */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${exact(value)} ${value === 1 ? one : many}`;
}
