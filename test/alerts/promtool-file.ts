// Cases as the file that `promtool test rules` takes: JSON, which is YAML as well.

import type { AlertCase, Course } from "./alert-case.ts";

/** As a rule of alerts.yml is written, as far as it is needed here. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook: string };
}

const scrapeEverySeconds = 15;
const scrapesAMinute = 60 / scrapeEverySeconds;

export interface PromtoolTest {
  readonly name: string;
  readonly interval: string;
  readonly input_series: readonly { readonly series: string; readonly values: string }[];
  readonly alert_rule_test: readonly {
    readonly alertname: string;
    readonly eval_time: string;
    readonly exp_alerts: unknown;
  }[];
}

const interval = `${scrapeEverySeconds}s`;

/** `evaluateEvery`: as Prometheus writes durations. */
export function promtoolFile(
  rulesPath: string,
  tests: readonly PromtoolTest[],
  evaluateEvery: string = interval,
): string {
  return JSON.stringify({ rule_files: [rulesPath], evaluation_interval: evaluateEvery, tests });
}

export function testOf(one: AlertCase, rule: AlertRule): PromtoolTest {
  const { alert, when, series, silentAt, firesAt = [], says } = one;
  if (firesAt.length > 0 && says === undefined) throw new Error(`${alert} fires and says nothing: ${when}`);
  const fired = {
    exp_labels: { ...rule.labels, ...says?.labels },
    exp_annotations: { ...rule.annotations, summary: says?.summary },
  };
  return {
    ...{ name: when, interval, input_series: inputOf(series, Math.max(...silentAt, ...firesAt)) },
    alert_rule_test: [
      ...silentAt.map((at) => expected(alert, at, [])),
      ...firesAt.map((at) => expected(alert, at, [fired])),
    ],
  };
}

/** None of the alerts fires, in any minute. */
export function silentTest(
  name: string,
  series: AlertCase["series"],
  alerts: readonly string[],
  untilMinutes: number,
): PromtoolTest {
  const times = Array.from({ length: untilMinutes + 1 }, (_, at) => at);
  return {
    ...{ name, interval, input_series: inputOf(series, untilMinutes) },
    alert_rule_test: alerts.flatMap((alert) => times.map((at) => expected(alert, at, []))),
  };
}

const expected = (alertname: string, atMinutes: number, exp_alerts: readonly unknown[]) => ({
  ...{ alertname, eval_time: `${atMinutes * 60}s`, exp_alerts },
});

function inputOf(series: AlertCase["series"], untilMinutes: number): PromtoolTest["input_series"] {
  return Object.entries(series).map(([name, course]) => ({ series: name, values: valuesOf(course, untilMinutes) }));
}

/** What a scrape no longer brings is stale at once; where nobody scrapes there is only a gap. */
function valuesOf(course: Course, until: number): string {
  const values = Array.from({ length: Math.ceil(until * scrapesAMinute) + 1 }, (_, at) => course(at / scrapesAMinute));
  return values
    .map((value, at) => {
      if (value === "unread") return "_";
      if (value !== undefined) return String(value);
      return typeof values[at - 1] === "number" ? "stale" : "_";
    })
    .join(" ");
}
