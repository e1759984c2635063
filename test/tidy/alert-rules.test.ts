// The alert rules as Prometheus itself understands them: series go in, and what comes out is compared with what must.
//
//   A1. Every alert fires when it should, also by what was counted before the first scrape of a process, says what is the matter, and ends.
//   A2. None fires in an app that is busy and well.

import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { figureCatalog } from "../../src/core/figure-catalog.ts";
import { Figures } from "../../src/core/figure-fold.ts";
import { prometheusName } from "../../src/monitoring/metric-names.ts";
import type { AlertCase } from "../alerts/alert-case.ts";
import { busyApp, busyMinutes } from "../alerts/busy-app.ts";
import { memoryCases, workflowCases } from "../alerts/memory-and-workflows.ts";
import { commitCases, messageCases } from "../alerts/messages.ts";
import type { AlertRule, PromtoolTest } from "../alerts/promtool-file.ts";
import { promtoolFile, silentTest, testOf } from "../alerts/promtool-file.ts";
import { workerCases } from "../alerts/workers.ts";
import { readPlainYaml } from "../support/plain-yaml.ts";
import { readPromql } from "../support/promql.ts";
import { findPromtool, promtool } from "../support/promtool.ts";
import { tempFolder } from "../support/temp-folder.ts";

const monitoring = join(import.meta.dirname, "..", "..", "deploy", "monitoring");
const rulesPath = join(monitoring, "alerts.yml");
const { groups } = readPlainYaml(readFileSync(rulesPath, "utf8")) as { groups: { readonly rules: AlertRule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const cases: readonly AlertCase[] = [...workerCases, ...messageCases, ...commitCases, ...memoryCases, ...workflowCases];
const found = await findPromtool();
const path = found ?? "promtool";

/** By the rules that are given, which is quicker than by all. */
async function evaluate(by: readonly AlertRule[], tests: readonly PromtoolTest[], every?: string): Promise<void> {
  await using folder = await tempFolder();
  const rulesFile = join(folder.path, "rules.json");
  const file = join(folder.path, "tests.json");
  await writeFile(rulesFile, JSON.stringify({ groups: [{ name: "tried", rules: by }] }));
  await writeFile(file, promtoolFile(rulesFile, tests, every));
  expect(await promtool(path, ["test", "rules", file])).toContain("SUCCESS");
}

/** Debian's Prometheus is built without what lists pods. */
function withoutPods(config: string): string {
  return config.replaceAll(/kubernetes_sd_configs:\n +- role: pod\n/g, 'static_configs:\n      - targets: ["pod:1"]\n');
}

test("A1: there is a case for each alert in which it fires, one for its silence before, and one for its end", () => {
  for (const { alert, annotations } of rules) {
    const those = cases.filter((one) => one.alert === alert && (one.firesAt ?? []).length > 0);
    expect(those.length, alert).toBeGreaterThan(0);
    for (const { when, silentAt, firesAt = [] } of those) {
      expect(Math.min(...silentAt), when).toBeLessThan(Math.min(...firesAt));
      expect(Math.max(...silentAt), when).toBeGreaterThan(Math.max(...firesAt));
    }
    // What a case says is the summary: the rest is the same for all.
    expect(annotations.description, alert).not.toContain("{{");
  }
});

describe.skipIf(found === undefined)("promtool", () => {
  test("takes the rules and the configurations", async () => {
    expect(await promtool(path, ["check", "rules", rulesPath])).toContain(`SUCCESS: ${rules.length} rules found`);
    await using folder = await tempFolder();
    for (const name of ["prometheus.yml", "prometheus-compose.yml", "prometheus-kubernetes.yml"]) {
      const file = join(folder.path, name);
      await writeFile(file, withoutPods(readFileSync(join(monitoring, name), "utf8")));
      // The secrets are where it runs.
      const said = await promtool(path, ["check", "config", "--syntax-only", file]);
      expect(said, name).toContain("is valid prometheus config file syntax");
    }
  });

  test.for(rules.map((rule) => [rule.alert, rule] as const))(
    "A1: %s fires when it should, and ends",
    async ([, rule]) => {
      const those = cases.filter(({ alert }) => alert === rule.alert);
      await evaluate(
        [rule],
        those.map((one) => testOf(one, rule)),
      );
    },
  );

  test("A2: none fires in three hours of an app that is busy and well, with all that happens there", async () => {
    const alerts = rules.map(({ alert }) => alert);
    await evaluate(rules, [silentTest("busy and well", busyApp(), alerts, busyMinutes)], "1m");
  });
});

test("F4: what a rule looks for the growth of stands at 0 from the start, or is counted by the rule from where it appears", () => {
  const served = { pools: ["main"], types: new Map([["writer", ["note"]]]) };
  const fresh = new Figures("w", 0, served).snapshot(0).series.map(({ name, labels }) => {
    return { metric: prometheusName(name, figureCatalog[name]), labels: labels as Readonly<Record<string, string>> };
  });
  const missed = rules.flatMap(({ alert, expr }) => {
    const counted = readPromql(expr).selectors.filter(({ within = "" }) => ["increase", "changes"].includes(within));
    const absent = counted.filter(({ metric, matchers }) => {
      const isThere = fresh.some((series) => {
        const isSame = [metric, metric.replace(/_bucket$/, "")].includes(series.metric);
        return isSame && matchers.every(({ label, value }) => series.labels[label] === value);
      });
      return !isThere && metric !== "troupe_started_seconds" && !expr.includes(`unless ${metric}`);
    });
    return absent.map(({ metric }) => `${alert}: ${metric}`);
  });
  expect(missed).toEqual([]);
});
