// How much something matters to whoever looks.

export type Tone = "problem" | "warning" | "note" | "good" | "quiet";
