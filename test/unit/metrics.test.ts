// Figures as metrics: nothing is lost or changed on the way to OpenTelemetry's readers and to Prometheus.

import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Figure, FigureName } from "../../src/core/figure-catalog.ts";
import { figureCatalog } from "../../src/core/figure-catalog.ts";
import type { FiguresSnapshot, Series } from "../../src/core/figures.ts";
import { prometheusName } from "../../src/monitoring/metric-names.ts";
import { boundsOut, metricsOf } from "../../src/monitoring/metrics-data.ts";
import { metricProducer } from "../../src/monitoring/metrics-producer.ts";
import { metricsText } from "../../src/monitoring/metrics-text.ts";
import { readExposition, sampleOf } from "../support/prometheus-text.ts";

const catalog = Object.entries(figureCatalog) as [FigureName, Figure][];

function seriesOf(name: FigureName, { labels, bounds }: Figure): fc.Arbitrary<Series> {
  const values = fc.record(Object.fromEntries(labels.map((label) => [label, labelValue]))) as fc.Arbitrary<
    Record<string, string>
  >;
  if (bounds === undefined) {
    return fc.record({ name: fc.constant(name), labels: values, value: fc.double({ min: 0, max: 1e15, noNaN: true }) });
  }
  const counts = fc.array(fc.nat(1e6), { minLength: bounds.length + 1, maxLength: bounds.length + 1 });
  const sum = fc.double({ min: 0, max: 1e9, noNaN: true });
  return fc.record({ name: fc.constant(name), labels: values, counts, sum, max: fc.double({ min: 0, noNaN: true }) });
}

/** Types and methods are plain names; codes and the rest may be anything that somebody thought of. */
const labelValue = fc.oneof(fc.constantFrom("counter", "add", "ok", "HANDLER_FAILED"), fc.string({ unit: "grapheme" }));

const snapshot: fc.Arbitrary<FiguresSnapshot> = fc
  .tuple(
    ...catalog.map(([name, figure]) =>
      fc.uniqueArray(seriesOf(name, figure), { maxLength: 3, selector: ({ labels }) => JSON.stringify(labels) }),
    ),
  )
  .map((all) => ({ worker: "w1", atMs: 1_795_400_000_123, startedAtMs: 1_795_300_000_000, series: all.flat() }));

const source = {
  labels: { app: "desk", name: 'the "blue" one' },
  about: { "service.name": "desk-worker", app: "desk" },
};

test("every figure has a name that Prometheus' conventions ask for, and no two have the same", () => {
  const names = catalog.map(([name, figure]) => prometheusName(name, figure));
  expect(new Set(names).size).toBe(names.length);
  for (const [at, [, { kind, unit }]] of catalog.entries()) {
    const name = names[at] ?? "";
    expect(name).toMatch(/^troupe(?:_[a-z]+)+$/);
    expect(name.endsWith("_total"), name).toBe(kind === "counter");
    expect(/_(?:count|sum|bucket)$/.test(name), name).toBe(false);
    const word = { s: "_seconds", By: "_bytes", "1": "_ratio", "By/h": "_bytes_per_hour" }[unit] ?? "";
    expect(name.replace(/_total$/, "").endsWith(word), name).toBe(true);
    expect(name).not.toMatch(/_(\w+)_\1(?:_|$)/);
  }
});

test("T1: the text for Prometheus has each series of a snapshot once, with its value and labels", async () => {
  await fc.assert(
    fc.asyncProperty(snapshot, async (figures) => {
      const exposition = readExposition(await metricsText(figures, source));
      let samples = 1; // target_info
      for (const series of figures.series) {
        const figure: Figure = figureCatalog[series.name];
        const name = prometheusName(series.name, figure);
        expect([exposition.types.get(name), exposition.help.get(name)]).toEqual([figure.kind, figure.help]);
        const labels = { ...series.labels, ...source.labels };
        if ("value" in series) {
          expect(exactly(sampleOf(exposition, name, labels))).toBe(exactly(series.value));
          samples += 1;
          continue;
        }
        const total = series.counts.reduce((sum, count) => sum + count, 0);
        expect(exactly(sampleOf(exposition, `${name}_sum`, labels))).toBe(exactly(series.sum));
        expect(sampleOf(exposition, `${name}_count`, labels)).toBe(total);
        const bounds = [...boundsOut(figure.bounds ?? []), Number.POSITIVE_INFINITY];
        for (const bound of bounds) {
          const le = bound === Number.POSITIVE_INFINITY ? "+Inf" : String(bound);
          const below = series.counts.filter(
            (_count, at) => (figure.bounds?.[at] ?? Number.POSITIVE_INFINITY) <= bound,
          );
          const expected = below.reduce((sum, count) => sum + count, 0);
          expect(sampleOf(exposition, `${name}_bucket`, { ...labels, le })).toBe(expected); // T2
        }
        samples += 2 + bounds.length;
      }
      expect(exposition.samples).toHaveLength(samples);
    }),
    { numRuns: 30 },
  );
});

/** -0 and 0 are one number there. */
const exactly = (value: number | undefined) => (value === 0 ? 0 : value);

test("T2: a histogram goes out with at most 20 buckets, at bounds that double from 0.24 ms to 64 s", () => {
  for (const [name, { bounds = [] }] of catalog) expect(boundsOut(bounds).length, name).toBeLessThan(20);
  const out = boundsOut(figureCatalog["troupe.turn.duration"].bounds);
  expect([out[0], out.at(-1), out.length]).toEqual([2 ** -12, 64, 19]);
  for (const [at, bound] of out.slice(1).entries()) expect(bound).toBe(2 * (out[at] ?? 0));
});

test("any OpenTelemetry SDK gets all figures from its reader, under their names, with the attributes that it asks for", async () => {
  const reader = new (class extends MetricReader {
    protected async onShutdown() {}
    protected async onForceFlush() {}
  })({
    metricProducers: [
      metricProducer({ app: "desk", figures: () => figures }, { attributes: { name: "blue" } }),
      metricProducer({ app: "other", figures: () => ({ ...figures, series: [] }) }),
    ],
  });
  const provider = new MeterProvider({ readers: [reader] });
  const [figures] = fc.sample(snapshot, { numRuns: 1, seed: 7 }) as [FiguresSnapshot];
  provider.getMeter("of the user").createCounter("user.count").add(1);
  const { resourceMetrics, errors } = await reader.collect();
  expect(errors).toEqual([]);
  const ours = resourceMetrics.scopeMetrics.filter(({ scope }) => scope.name === "troupe");
  const metrics = ours.flatMap((scope) => scope.metrics);
  expect(new Set(metrics.map(({ descriptor }) => descriptor.name))).toEqual(
    new Set(figures.series.map(({ name }) => name)),
  );
  for (const { descriptor, dataPoints } of metrics) {
    const figure = figureCatalog[descriptor.name as FigureName];
    expect(descriptor).toMatchObject({ unit: figure.unit, description: figure.help });
    const own = figures.series.filter(({ name }) => name === descriptor.name);
    expect(dataPoints.map(({ attributes }) => attributes)).toEqual(
      own.map(({ labels }) => ({ ...labels, app: "desk", name: "blue" })),
    );
    expect(dataPoints[0]).toMatchObject({ startTime: [1_795_300_000, 0], endTime: [1_795_400_000, 123_000_000] });
  }
  expect(resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics.map((each) => each.descriptor.name))).toContain(
    "user.count",
  );
  await provider.shutdown();
});

test("a figure of a newer worker is left out, and breaks nothing", () => {
  const series = [
    { name: "troupe.of.tomorrow" as FigureName, labels: {}, value: 1 },
    { name: "troupe.activations" as const, labels: {}, value: 2 },
  ];
  const metrics = metricsOf({ startedAtMs: 0, atMs: 1, series }, { naming: "prometheus", labels: {} });
  expect(metrics.map(({ descriptor }) => descriptor.name)).toEqual(["troupe_activations"]);
});
