// What a PromQL expression speaks of: its metrics with their label matchers and the function around them, and the labels
// that it groups by. Functions and aggregations that it does not know are faults: they may be mistyped metrics.

export interface Selector {
  readonly metric: string;
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[];
  /** The innermost function that it is an argument of; undefined: none. */
  readonly within: string | undefined;
}

export interface Expression {
  readonly selectors: readonly Selector[];
  /** In `by (…)` and `on (…)`. */
  readonly groupings: readonly string[];
}

const aggregations = ["sum", "max", "min", "avg", "count", "topk", "bottomk", "quantile"];
const functions = [
  ...["rate", "increase", "delta", "changes", "resets", "min_over_time", "max_over_time", "quantile_over_time"],
  ...["absent", "histogram_quantile", "round", "time", "vector", "label_values", "clamp_max"],
];
const groupers = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const operators = ["and", "or", "unless", "bool", "offset"];

const tokenForm =
  /\s+|"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[a-zA-Z_:][\w:]*|\d+(?:\.\d+)?(?:[a-z]+)?|[=!]~|[=!<>]=|[-+*/%^(){},=<>]/gy;

export function readPromql(text: string): Expression {
  const tokens = tokensOf(text);
  const selectors: Selector[] = [];
  const groupings: string[] = [];
  const calls: (string | undefined)[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] ?? "";
    const next = tokens[at + 1];
    if (token === "(") calls.push(nameBefore(tokens, at));
    else if (token === ")") calls.pop();
    else if (!/^[a-zA-Z_:]/.test(token) || operators.includes(token)) continue;
    else if (groupers.includes(token)) {
      const end = tokens.indexOf(")", at);
      groupings.push(...tokens.slice(at + 2, end).filter((each) => each !== ","));
      at = end;
    } else if (aggregations.includes(token) || functions.includes(token)) {
      if (next !== "(" && !groupers.includes(next ?? "")) throw new Error(`${token} is called with nothing: ${text}`);
    } else if (next === "(") throw new Error(`an unknown function: ${token}`);
    else {
      const end = next === "{" ? tokens.indexOf("}", at) : at;
      const within = calls.findLast((name) => name !== undefined && functions.includes(name));
      selectors.push({ metric: token, matchers: matchersOf(tokens.slice(at + 2, end)), within });
      at = end;
    }
  }
  if (calls.length > 0) throw new Error(`a bracket is open: ${text}`);
  return { selectors, groupings };
}

function tokensOf(text: string): string[] {
  const tokens = [...text.matchAll(tokenForm)].map(([token]) => token);
  if (tokens.join("") !== text) throw new Error(`cannot be read behind ${tokens.join("").slice(-30)}: ${text}`);
  return tokens.filter((token) => token.trim() !== "");
}

/** `sum by (a) (…)` as well as `sum(…)`. */
function nameBefore(tokens: readonly string[], at: number): string | undefined {
  const before = tokens[at - 1];
  return before !== undefined && (functions.includes(before) || aggregations.includes(before)) ? before : undefined;
}

function matchersOf(tokens: readonly string[]): Selector["matchers"] {
  const matchers: Selector["matchers"][number][] = [];
  for (let at = 0; at < tokens.length; at += 4) {
    const [label = "", operator = "", value = "", comma = ","] = tokens.slice(at, at + 4);
    if (!/^\w+$/.test(label) || !/^(?:=|!=|=~|!~)$/.test(operator) || !value.startsWith('"') || comma !== ",") {
      throw new Error(`no matchers: ${tokens.join(" ")}`);
    }
    matchers.push({ label, operator, value: JSON.parse(value) as string });
  }
  return matchers;
}
