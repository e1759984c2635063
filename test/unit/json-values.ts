// Values as JSON sees them, for comparing what has been through it.

/** The value after a trip through JSON, with `undefined` members left out. */
export const jsonOf = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
