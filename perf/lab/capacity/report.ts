import { isFloor } from "../contenders/contender.ts";
import { roundDetails } from "../load/load-round.ts";
import { isGeneratorLate, LATENESS_MS_MAX } from "../load/load-summary.ts";
import { figureOf, median } from "../report/figure.ts";
import type { Axis, Chart, Figure, Series } from "../report/result.ts";
import type { Climb, Step } from "./climb.ts";
import type { CapacityOptions } from "./command-line.ts";

const RATE_AXIS: Axis = { label: "payments per second", scale: "linear" };
/** Of one CPU: above it a process of one thread has nothing left. */
const GENERATOR_CPU_SHARE_MAX = 0.9;

export function capacityFigures(climbs: readonly Climb[]): Figure[] {
  return namesOf(climbs).map((name) => {
    const own = climbsOf(climbs, name);
    return figureOf(`highest rate that passes, ${name}`, "1/s", "higher", own, ({ ratePassed }) => ratePassed);
  });
}

export function capacityCharts(climbs: readonly Climb[], { p99MsMax }: CapacityOptions): Chart[] {
  const names = namesOf(climbs);
  const processing = names.find((name) => !isFloor(name))!;
  const rates = [...new Set(climbs.flatMap(({ steps }) => steps.map(({ load }) => load.ratePerSecond)))];
  const limit: Series = { label: `limit ${p99MsMax} ms`, points: rates.map((rate) => [rate, p99MsMax]) };
  const latencyOf = (name: Climb["contender"]): Series =>
    curve(`p99 ${name}`, climbsOf(climbs, name), ({ load }) => load.latencyMs.at(99));
  return [
    {
      title: "Latency at each rate, median of the rounds",
      x: RATE_AXIS,
      y: { label: "p99, ms", scale: "log" },
      series: [...names.map(latencyOf), limit],
    },
    {
      title: "Processed at each rate",
      x: RATE_AXIS,
      y: { label: "processed per second", scale: "linear" },
      series: [curve("processed", climbsOf(climbs, processing), ({ processedPerSecond }) => processedPerSecond)],
    },
    ...names.map((name): Chart => cpuChart(climbsOf(climbs, name), name)),
    ...names.map((name): Chart => throttledChart(climbsOf(climbs, name), name)),
  ];
}

function cpuChart(climbs: readonly Climb[], name: string): Chart {
  return {
    title: `CPU of each process at each rate, ${name}`,
    x: RATE_AXIS,
    y: { label: "CPUs", scale: "linear" },
    series: [
      ...perProcess(climbs, ({ cpuShare }) => cpuShare),
      curve("generator", climbs, ({ load }) => load.generatorCpuShare),
      curve("whole machine", climbs, ({ load }) => load.machineCpuShare),
    ],
  };
}

function throttledChart(climbs: readonly Climb[], name: string): Chart {
  return {
    title: `Time stood still because a CPU limit was used up, ${name}`,
    x: RATE_AXIS,
    y: { label: "part of the time", scale: "linear" },
    series: perProcess(climbs, ({ throttledShare }) => throttledShare).filter(
      ({ label }) => !label.startsWith("processor-"),
    ),
  };
}

function perProcess(climbs: readonly Climb[], of: (usage: Step["usage"][number]) => number): Series[] {
  const names = new Set(climbs.flatMap(({ steps }) => steps.flatMap(({ usage }) => usage.map(({ name }) => name))));
  return [...names].map((name) =>
    curve(name, climbs, ({ usage }) => {
      const own = usage.find((process) => process.name === name);
      return own === undefined ? undefined : of(own);
    }),
  );
}

/** The median over the rounds at each rate; of two tries in a round the second counts. */
function curve(label: string, climbs: readonly Climb[], of: (step: Step) => number | undefined): Series {
  const values = new Map<number, number[]>();
  for (const { steps } of climbs) {
    const lastTries = new Map(steps.map((step) => [step.load.ratePerSecond, step]));
    for (const [rate, step] of lastTries) {
      const value = of(step);
      if (value !== undefined) values.set(rate, [...(values.get(rate) ?? []), value]);
    }
  }
  return { label, points: [...values].sort(([a], [b]) => a - b).map(([rate, all]) => [rate, median(all)]) };
}

export function capacityRemarks(climbs: readonly Climb[], { toRate }: CapacityOptions): string[] {
  return climbs.flatMap((climb) => {
    const who = `${climb.contender}, round ${climb.round}`;
    const last = climb.steps.at(-1)!;
    const end = climb.isAtEnd
      ? `every step passed, the limit is above ${toRate}/s`
      : `ended at ${last.load.ratePerSecond}/s: ${whatLimited(last)}`;
    const separator = climb.isAtEnd ? ": " : " ";
    return [`${who}${separator}${end}`, ...lateRemarks(who, climb.steps), ...retryRemarks(who, climb.steps)];
  });
}

function lateRemarks(who: string, steps: readonly Step[]): string[] {
  const late = steps.filter(({ load }) => isGeneratorLate(load)).map(({ load }) => `${load.ratePerSecond}/s`);
  if (late.length === 0) return [];
  return [`${who}: the generator was late by more than ${LATENESS_MS_MAX} ms at its p99 at ${late.join(", ")}`];
}

/** Of the steps that passed at the second try; the last one's second try may have failed as well. */
function retryRemarks(who: string, steps: readonly Step[]): string[] {
  const retried = steps.filter(
    ({ load, shortfalls }, i) =>
      shortfalls.length > 0 && steps[i + 1]?.load.ratePerSecond === load.ratePerSecond && i + 2 < steps.length,
  );
  return retried.map(
    ({ load, shortfalls }) =>
      `${who}: ${load.ratePerSecond}/s passed at the second try only, the first: ${shortfalls.join("; ")}`,
  );
}

/** Why a step failed, and who had nothing left in it. */
function whatLimited({ shortfalls, usage, load }: Step): string {
  const throttled = usage
    // A single period used up holds up everything for tens of milliseconds: soon more than one in a hundred.
    .filter(({ throttledCount }) => throttledCount > 0)
    .map(
      ({ name, throttledCount, throttledShare }) =>
        `${name} used up its CPU limit ${throttledCount} times, ${(throttledShare * 100).toFixed(1)} % of the time`,
    );
  const isGeneratorFull = load.generatorCpuShare > GENERATOR_CPU_SHARE_MAX;
  const machine = load.machineCpuShare === undefined ? [] : [`machine busy ${load.machineCpuShare.toFixed(2)} CPUs`];
  return [
    ...shortfalls,
    ...throttled,
    ...machine,
    ...(isGeneratorFull ? ["the GENERATOR had no CPU left: its limit, not the service's"] : []),
    ...(isGeneratorLate(load) ? ["the generator itself was late"] : []),
  ].join("; ");
}

export function capacityDetails(climbs: readonly Climb[]): object {
  return {
    climbs: climbs.map((climb) => ({
      ...climb,
      steps: climb.steps.map((step) => ({ ...step, load: roundDetails(step.load) })),
    })),
  };
}

function namesOf(climbs: readonly Climb[]): Climb["contender"][] {
  return [...new Set(climbs.map(({ contender }) => contender))];
}

function climbsOf(climbs: readonly Climb[], name: Climb["contender"]): Climb[] {
  return climbs.filter(({ contender }) => contender === name);
}
