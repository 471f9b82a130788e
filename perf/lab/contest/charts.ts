import { ROLES } from "../../audit/totals.ts";
import type { Second } from "../load/seconds.ts";
import type { Band, Chart, Series } from "../report/result.ts";
import type { Measurement } from "./measurement.ts";
import type { ContestRound } from "./round.ts";
import type { Sample } from "./sampler.ts";
import { troubleText } from "./stages.ts";

const TIME = { label: "seconds from the beginning", scale: "linear" } as const;

/** The floors' latencies stand beside ours. */
export type FloorShown = { readonly name: string; readonly measured: Measurement };

/** Of one round, and of one of each floor. */
export function contestCharts({ measured }: ContestRound, floors: readonly FloorShown[]): Chart[] {
  const bands = stageBands(measured);
  const { seconds, samples } = measured;
  const timeline = (title: string, unit: string, series: readonly Series[]): Chart => ({
    title,
    x: TIME,
    y: { label: unit, scale: "linear" },
    series,
    bands,
  });
  const latency = timeline("Latency of payments, second by second", "ms", latencySeries(seconds));
  const charts = [
    percentileChart(measured, floors),
    { ...latency, y: { ...latency.y, scale: "log" as const } },
    timeline("Payments accepted", "1/s", countSeries(seconds)),
    timeline("Payments charged, by processor", "1/s", chargeSeries(samples)),
    timeline("Queue: accepted and not yet charged", "payments", [
      { label: "waiting", points: samples.map(depthPoint) },
    ]),
  ];
  const cpu = cpuSeries(samples);
  return cpu.length === 0 ? charts : [...charts, timeline("CPU, by process", "% of one CPU", cpu)];
}

function stageBands({ options: { stages, load } }: Measurement): Band[] {
  return stages.map((stage, i) => ({
    from: stage.atMs / 1000,
    to: (stages[i + 1]?.atMs ?? load.durationMs) / 1000,
    label: troubleText(stage),
  }));
}

function percentileChart({ curves }: Measurement, floors: readonly FloorShown[]): Chart {
  return {
    title: "Latency by percentile",
    x: { label: "percentile", scale: "percentile" },
    y: { label: "ms", scale: "log" },
    series: [
      { label: "all requests", points: curves.all },
      { label: "payments", points: curves.payments },
      ...floors.map(({ name, measured }) => ({ label: `all requests to the ${name}`, points: measured.curves.all })),
      { label: "generator's lateness", points: curves.lateness },
    ],
  };
}

/** In the middle of its second. A second without an answer has no latency. */
function latencySeries(seconds: readonly Second[]): Series[] {
  const series = (label: string, pick: (second: Second) => number): Series => ({
    label,
    points: seconds.map((one) => [one.second + 0.5, one.acceptedCount === 0 ? null : pick(one)] as const),
  });
  return [
    series("p50", ({ p50Ms }) => p50Ms),
    series("p99", ({ p99Ms }) => p99Ms),
    series("max", ({ maxMs }) => maxMs),
  ];
}

function countSeries(seconds: readonly Second[]): Series[] {
  return [
    { label: "accepted", points: seconds.map(({ second, acceptedCount }) => [second + 0.5, acceptedCount] as const) },
    { label: "failed", points: seconds.map(({ second, failedCount }) => [second + 0.5, failedCount] as const) },
  ];
}

function chargeSeries(samples: readonly Sample[]): Series[] {
  return ROLES.map((role) => ({
    label: role,
    points: ratesOf(samples, ({ chargedCount }) => chargedCount?.[role]),
  }));
}

/** A payment may be charged before its 202 is here: fewer than none wait for nobody. */
function depthPoint({ atMs, acceptedCount, chargedCount }: Sample): readonly [number, number | null] {
  if (chargedCount === undefined) return [atMs / 1000, null];
  return [atMs / 1000, Math.max(0, acceptedCount - chargedCount.default - chargedCount.fallback)];
}

function cpuSeries(samples: readonly Sample[]): Series[] {
  const names = Object.keys(samples[0]?.cpuSeconds ?? {});
  return names.map((name) => ({
    label: name,
    points: ratesOf(samples, ({ cpuSeconds }) => cpuSeconds[name]).map(
      ([at, rate]) => [at, rate === null ? null : rate * 100] as const,
    ),
  }));
}

/** How much a total grew by the second between each sample and the one before. */
function ratesOf(samples: readonly Sample[], total: (sample: Sample) => number | undefined): [number, number | null][] {
  return samples.slice(1).map((sample, i) => {
    const before = samples[i]!;
    const [to, from] = [total(sample), total(before)];
    const elapsedSeconds = (sample.atMs - before.atMs) / 1000;
    const rate = to === undefined || from === undefined ? null : (to - from) / elapsedSeconds;
    return [sample.atMs / 1000, rate];
  });
}
