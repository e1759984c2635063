// What stands outside of the code about its figures: the documents, the alert rules, the Grafana dashboard. Nothing missing,
// nothing stale, and no name that is not in the catalogue.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { errorCatalog } from "../../src/core/errors.ts";
import type { Figure } from "../../src/core/figure-catalog.ts";
import { figureCatalog } from "../../src/core/figure-catalog.ts";
import { prometheusName } from "../../src/monitoring/metric-names.ts";
import { metricTable } from "../support/metric-table.ts";
import { readPlainYaml } from "../support/plain-yaml.ts";
import type { Selector } from "../support/promql.ts";
import { readPromql } from "../support/promql.ts";

const root = join(import.meta.dirname, "..", "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

interface Metric extends Figure {
  readonly isBucket: boolean;
}

/** Every name that a scrape can bring. */
const metrics = new Map<string, Metric>(
  (Object.entries(figureCatalog) as [string, Figure][]).flatMap(([name, figure]) => {
    const plain = prometheusName(name, figure);
    const parts = figure.kind === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
    return parts.map((part) => [plain + part, { ...figure, isBucket: part === "_bucket" }] as const);
  }),
);

const targetLabels = ["app", "job", "instance"];
const phases = ["new", "running", "held", "compensating", "completed", "failed", "cancelled"];
const reasons = ["refused", "superseded", "given-up"];

function labelsOf({ metric }: Selector): readonly string[] {
  if (metric === "up") return ["job", "instance"];
  const known = metrics.get(metric);
  if (known === undefined) return [];
  return [
    ...targetLabels,
    ...known.labels,
    ...(known.source === "process" ? ["name"] : []),
    ...(known.isBucket ? ["le"] : []),
  ];
}

/** What is wrong with an expression, and with what is said about its result (`{{label}}`). */
function faultsOf(text: string, shown: readonly string[]): string[] {
  const { selectors, groupings } = readPromql(text);
  const faults = selectors.flatMap((selector) => faultsOfSelector(selector, selectors));
  const all = new Set(selectors.flatMap(labelsOf));
  for (const label of groupings) if (!all.has(label)) faults.push(`groups by ${label}`);
  const left = groupings.length > 0 ? new Set(groupings) : all;
  for (const label of shown) if (!left.has(label)) faults.push(`shows ${label}, which the result does not have`);
  if (selectors.some(({ metric }) => metric.endsWith("_bucket")) && !groupings.includes("le")) faults.push("lacks le");
  return faults.map((fault) => `${fault}: ${text}`);
}

const ofGrowth = ["rate", "increase", "changes", "resets"];

/** A counter is looked at by how it grows, or as it stands beside that: all that a new process has counted is its growth. */
function isOfGrowth({ metric, matchers, within = "" }: Selector, beside: readonly Selector[]): boolean {
  if (ofGrowth.includes(within)) return true;
  const isSame = (other: Selector) => isDeepStrictEqual([other.metric, other.matchers], [metric, matchers]);
  return beside.some((other) => other.within === "increase" && isSame(other));
}

function faultsOfSelector(selector: Selector, beside: readonly Selector[]): string[] {
  const { metric, matchers, within } = selector;
  if (metric === "up") return [];
  const known = metrics.get(metric);
  if (known === undefined) return [`no metric ${metric}`];
  const isAsked = within === "label_values" || within === "absent";
  const isRight =
    known.kind === "gauge" ? within !== "rate" && within !== "increase" : isOfGrowth(selector, beside) || isAsked;
  const faults = isRight ? [] : [`${metric} is a ${known.kind}`];
  for (const { label, value } of matchers) {
    if (!labelsOf(selector).includes(label)) faults.push(`${metric} has no label ${label}`);
    for (const one of value.split("|")) {
      if (label === "code" && one !== "ok" && !Object.hasOwn(errorCatalog, one)) faults.push(`no code ${one}`);
      if (label === "phase" && !phases.includes(one)) faults.push(`no phase ${one}`);
      if (label === "reason" && !reasons.includes(one)) faults.push(`no reason ${one}`);
    }
  }
  return faults;
}

const labelsShown = (text: string, form: RegExp) => [...text.matchAll(form)].map(([, label = ""]) => label);

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook: string };
}

const rulesText = read("deploy/monitoring/alerts.yml");
const { groups } = readPlainYaml(rulesText) as { groups: { readonly name: string; readonly rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

describe("the alert rules", () => {
  test("have the form that Prometheus takes, each with a summary, what to do and a runbook that is there", () => {
    const headings = read("docs/monitoring.md").match(/^### .*$/gm) ?? [];
    const anchors = headings.map((heading) => heading.slice(4).toLowerCase().replaceAll(" ", "-"));
    expect(new Set(groups.map(({ name }) => name)).size).toBe(groups.length);
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const rule of rules) {
      expect(Object.keys(rule).filter((key) => key !== "for")).toEqual(["alert", "expr", "labels", "annotations"]);
      expect(rule.alert).toMatch(/^Troupe[A-Z][A-Za-z]+$/);
      if (rule.for !== undefined) expect(rule.for).toMatch(/^\d+[smh]$/);
      expect(Object.keys(rule.labels)).toEqual(["severity"]);
      expect(["critical", "warning"]).toContain(rule.labels.severity);
      const { summary, description, runbook } = rule.annotations;
      expect(Object.keys(rule.annotations)).toEqual(["summary", "description", "runbook"]);
      expect(summary, rule.alert).toMatch(/\.$/);
      expect(description.length, rule.alert).toBeGreaterThan(30);
      const [file, anchor = ""] = runbook.split("#");
      expect(file).toBe("docs/monitoring.md");
      expect(anchors, rule.alert).toContain(anchor);
    }
    const used = new Set(rules.map(({ annotations }) => annotations.runbook.split("#")[1]));
    expect(anchors.filter((anchor) => !used.has(anchor))).toEqual([]);
  });

  test("speak of metrics and labels of the catalogue alone, and watch what somebody must be woken for", () => {
    const faults = rules.flatMap(({ expr, annotations: { summary, description } }) =>
      faultsOf(expr, labelsShown(summary + description, /\$labels\.(\w+)/g)),
    );
    expect(faults).toEqual([]);
    const watched = new Set(rules.flatMap(({ expr }) => readPromql(expr).selectors.map(({ metric }) => metric)));
    for (const needed of [
      ...["troupe_mailbox_lag", "troupe_mailbox_oldest_seconds", "troupe_dead_kept", "troupe_partitions_unowned"],
      ...["troupe_partition_ownerless_seconds_bucket", "troupe_conflicts_total", "troupe_memory_growth_bytes_per_hour"],
      ...["troupe_stream_full_in_seconds", "troupe_turns_total", "up"],
    ]) {
      expect([...watched]).toContain(needed);
    }
  });
});

test("what Prometheus, Grafana and compose are started with names files that are there, and the jobs that the rules speak of", () => {
  interface Scraping {
    readonly rule_files: readonly string[];
    readonly scrape_configs: readonly { readonly job_name: string }[];
  }
  for (const name of ["prometheus", "prometheus-compose", "prometheus-kubernetes"]) {
    const config = readPlainYaml(read(`deploy/monitoring/${name}.yml`)) as Scraping;
    expect(config.rule_files).toEqual(["alerts.yml"]);
    expect(config.scrape_configs.map((job) => job.job_name)).toEqual(["troupe-workers", "troupe-dashboard"]);
  }
  const compose = read("deploy/compose.yaml");
  for (const [, path = ""] of compose.matchAll(/"\.\/(monitoring[^:"]*):/g)) {
    expect(existsSync(join(root, "deploy", path)), path).toBe(true);
  }
  expect(compose).toContain("--config.file=/etc/prometheus/prometheus-compose.yml");
  for (const file of ["datasources/prometheus", "dashboards/troupe"]) {
    const path = `deploy/monitoring/grafana/provisioning/${file}.yml`;
    expect(readPlainYaml(read(path)), path).toMatchObject({ apiVersion: 1 });
  }
  const jobs = rules.flatMap(({ expr }) => readPromql(expr).selectors.flatMap(({ matchers }) => matchers));
  for (const { label, value } of jobs) if (label === "job") expect(value).toBe("troupe-workers");
});

test("on Kubernetes both ways of scraping find the pods, and call their jobs as the rules do", () => {
  interface Pod {
    readonly metadata: { readonly labels: Readonly<Record<string, string>> };
    readonly spec: { readonly containers: readonly { readonly ports: readonly { readonly name: string }[] }[] };
  }
  interface Monitor {
    readonly spec: {
      readonly jobLabel: string;
      readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
      readonly podMetricsEndpoints: readonly { readonly port: string }[];
    };
  }
  const documentsOf = (path: string) => read(path).split(/^---$/m).map(readPlainYaml);
  const monitors = documentsOf("deploy/kubernetes/pod-monitors.yaml") as readonly Monitor[];
  const scraping = read("deploy/monitoring/prometheus-kubernetes.yml");
  const label = "app.kubernetes.io/name";
  for (const [file, job] of [
    ["workers", "troupe-workers"],
    ["dashboard", "troupe-dashboard"],
  ] as const) {
    const [deployment] = documentsOf(`deploy/kubernetes/${file}.yaml`) as readonly {
      readonly spec: { template: Pod };
    }[];
    const { metadata, spec } = deployment?.spec.template ?? {};
    const port = spec?.containers[0]?.ports[0]?.name ?? "";
    expect(metadata?.labels[label]).toBe(job);
    expect(scraping).toContain(`regex: "${job};${port}"`);
    const monitor = monitors.find(({ spec: { selector } }) => selector.matchLabels[label] === job);
    expect(monitor?.spec.jobLabel).toBe(label);
    expect(monitor?.spec.podMetricsEndpoints.map((endpoint) => endpoint.port)).toEqual([port]);
  }
});

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

describe("the Grafana dashboard", () => {
  const board = JSON.parse(read("deploy/monitoring/grafana/troupe.json")) as {
    readonly panels: readonly Panel[];
    readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
  };
  const targets = board.panels.flatMap((panel) => panel.targets ?? []);

  test("speaks of metrics and labels of the catalogue alone, for the app that is chosen", () => {
    expect(
      targets.flatMap(({ expr, legendFormat }) => faultsOf(expr, labelsShown(legendFormat, /\{\{(\w+)\}\}/g))),
    ).toEqual([]);
    for (const { expr } of targets) {
      for (const { matchers } of readPromql(expr).selectors) {
        expect(matchers, expr).toContainEqual({ label: "app", operator: "=~", value: "$app" });
      }
    }
    expect(board.templating.list.map(({ name }) => name)).toEqual(["datasource", "app"]);
    expect(faultsOf(board.templating.list[1]?.definition?.replace(", app)", ")") ?? "", ["app"])).toEqual([]);
  });

  test("shows every figure that there is; each panel says what it is, and none covers another", () => {
    const shown = new Set(targets.flatMap(({ expr }) => readPromql(expr).selectors.map(({ metric }) => metric)));
    const missing = Object.entries(figureCatalog).filter(([name, figure]) => {
      const plain = prometheusName(name, figure);
      return ![plain, `${plain}_bucket`, `${plain}_sum`].some((one) => shown.has(one));
    });
    expect(missing.map(([name]) => name)).toEqual([]);
    expect(new Set(board.panels.map(({ id }) => id)).size).toBe(board.panels.length);
    const cells = new Set<string>();
    for (const { type, title, description = "", gridPos } of board.panels) {
      if (type !== "row") expect(description, title).toMatch(/\.|:/);
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(cells.has(`${x} ${y}`), title).toBe(false);
          cells.add(`${x} ${y}`);
        }
      }
    }
  });
});

test("docs/monitoring.md lists every metric as the catalogue has it, and no other", () => {
  const path = "docs/monitoring.md";
  const marks = { process: "metrics of a process", cluster: "metrics of the cluster" } as const;
  let text = read(path);
  for (const source of ["process", "cluster"] as const) {
    const form = new RegExp(`(<!-- ${marks[source]}: [^\\n]* -->\\n)[^]*?(<!-- end -->)`);
    expect(text).toMatch(form);
    text = text.replace(form, (_all, head: string, tail: string) => `${head}\n${metricTable(source)}\n\n${tail}`);
  }
  if (process.env.TROUPE_WRITE === "1") writeFileSync(join(root, path), text);
  expect(read(path), "write it anew: TROUPE_WRITE=1 npm run tidy").toBe(text);
  for (const [name = ""] of text.matchAll(/\btroupe(?:_[a-z]+)+\b/g)) {
    const isBucketOfNats = ["troupe_state", "troupe_mail"].includes(name);
    const isMetric = metrics.has(name) || metrics.has(`${name}_sum`);
    expect(isMetric || isBucketOfNats, name).toBe(true);
  }
});

test("what is wrong in a rule is noticed", () => {
  const wrong: readonly (readonly [string, readonly string[]])[] = [
    ["troupe_mailbox_lags > 1", []],
    ["sum by (app, colour) (troupe_mailbox_lag) > 1", []],
    ['troupe_mailbox_lag{partitions="1"} > 1', []],
    ["troupe_turns_total > 1", []],
    ["rate(troupe_activations[5m]) > 1", []],
    ['troupe_turns_total or increase(troupe_turns_total{code="ok"}[5m]) > 1', []],
    ['sum(rate(troupe_turns_total{code="NOPE"}[5m])) > 1', []],
    ['troupe_workflow_runs{phase="broken"} > 1', []],
    ["sum by (app) (troupe_mailbox_lag) > 1", ["pool"]],
    ["histogram_quantile(0.9, sum by (app) (rate(troupe_turn_duration_seconds_bucket[5m]))) > 1", []],
    ["sum by (name) (troupe_mailbox_lag) > 1", []],
  ];
  for (const [text, shown] of wrong) expect(faultsOf(text, shown), text).not.toEqual([]);
  for (const text of ["summe(troupe_workers)", "sum troupe_workers", "troupe_workers {app}", "sum(troupe_workers"]) {
    expect(() => faultsOf(text, []), text).toThrow();
  }
  for (const text of ["a: b: c", "a: [", "- a\nb: 1", "a: 1\n   b: 2", "a: 1\na: 2", "a:\t1", "a: 'x"]) {
    expect(() => readPlainYaml(text), text).toThrow();
  }
  expect(readPlainYaml('a:\n  - b: "x: y"\n    c: 1\n  - d\ne: [1]\n')).toEqual({
    a: [{ b: "x: y", c: 1 }, "d"],
    e: [1],
  });
});
