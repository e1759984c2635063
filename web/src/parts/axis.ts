// Where the axis of a chart ends.

/** 1, 2, 4, 6, 8 or 10 times a power of ten: the axis stands still while figures move, and its middle is a round figure too. */
export function roundedUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 4, 6, 8, 10].find((one) => one * power >= value) ?? 10;
  return step * power;
}
