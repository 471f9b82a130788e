import { ROLES } from "../../audit/totals.ts";
import { FLOOR_NAMES, type FloorName } from "../contenders/contender.ts";
import { MEBIBYTE } from "../limits/limit.ts";
import type { Percentiles } from "../load/samples.ts";
import { figureOf } from "../report/figure.ts";
import type { Figure, Measured } from "../report/result.ts";
import { contestCharts } from "./charts.ts";
import type { ContestWish } from "./command-line.ts";
import { remarksOf } from "./remarks.ts";
import type { ContestRound } from "./round.ts";
import type { ContestRounds } from "./rounds.ts";
import { STEADY_FROM_MS, steadyThrottledPart } from "./throttling.ts";

export function contestResult({ contest, target, roundCount }: ContestWish, rounds: ContestRounds): Measured {
  const { ours } = rounds;
  const { environment } = ours[0]!;
  const { userCount, durationMs } = contest.load;
  const shown = middleRound(ours);
  const withFloor = rounds.floor.length > 0;
  const middleFloors = FLOOR_NAMES.filter((name) => rounds[name].length > 0).map((name) => {
    const { measured } = rounds[name][middleRound(rounds[name])]!;
    return { name, measured };
  });
  return {
    kind: "contest",
    title: `contest, ${contest.script}: ${userCount} users over ${durationMs / 1000} s, ${environment.description}`,
    options: { ...contest, target, roundCount, withFloor },
    figures: [...latencyFigures(rounds), ...outcomeFigures(ours), ...processFigures(ours)],
    remarks: remarksOf(rounds, shown),
    charts: contestCharts(ours[shown]!, middleFloors),
    details: rounds,
  };
}

/** The round whose p99 is in the middle, the lower one of two. */
function middleRound(rounds: readonly ContestRound[]): number {
  const order = [...rounds.keys()].toSorted((a, b) => p99Of(rounds[a]!) - p99Of(rounds[b]!));
  return order[(order.length - 1) >> 1]!;
}

const p99Of = ({ measured }: ContestRound): number => measured.all.p99Ms;

/** Over all successful requests, as the contest takes its p99. */
function latencyFigures(rounds: ContestRounds): Figure[] {
  const { ours } = rounds;
  return [
    latency("p50", ours, ({ p50Ms }) => p50Ms),
    latency("p90", ours, ({ p90Ms }) => p90Ms),
    latency("p99", ours, ({ p99Ms }) => p99Ms),
    latency("p99.9", ours, ({ p999Ms }) => p999Ms),
    latency("max", ours, ({ maxMs }) => maxMs),
    ...FLOOR_NAMES.flatMap((name) => floorFigures(ours, name, rounds[name])),
  ];
}

function floorFigures(ours: readonly ContestRound[], name: FloorName, floor: readonly ContestRound[]): Figure[] {
  if (floor.length === 0) return [];
  const ratioOf = (round: ContestRound, i: number): number => p99Of(round) / p99Of(floor[i]!);
  return [
    latency(`p50 of the ${name}`, floor, ({ p50Ms }) => p50Ms),
    latency(`p99 of the ${name}`, floor, ({ p99Ms }) => p99Ms),
    figureOf(`p99, ours ÷ ${name}`, "ratio", "lower", ours, ratioOf),
  ];
}

function latency(name: string, rounds: readonly ContestRound[], pick: (all: Percentiles) => number): Figure {
  return figureOf(name, "ms", "lower", rounds, ({ measured }) => pick(measured.all));
}

function outcomeFigures(ours: readonly ContestRound[]): Figure[] {
  const of = (
    name: string,
    unit: string,
    better: Figure["better"],
    pick: (measured: ContestRound["measured"]) => number,
  ): Figure => figureOf(name, unit, better, ours, ({ measured }) => pick(measured));
  return [
    of("score", "", "higher", ({ score }) => score.score),
    of("profit", "", "higher", ({ score }) => score.profit),
    of("fees", "", "lower", ({ score }) => score.feeAmount),
    of("accepted", "payments", "higher", ({ acceptedCount }) => acceptedCount),
    of("lag", "payments", "lower", ({ score }) => score.lagCount),
    of("audit differences", "payments", "lower", ({ auditDifferenceCount }) => auditDifferenceCount),
    ...ROLES.map((role) => {
      const better = role === "default" ? "higher" : "lower";
      return of(`charged by ${role}`, "payments", better, ({ final }) => final.processors[role].count);
    }),
    of("p99 of the generator's lateness", "ms", "lower", ({ lateness }) => lateness.p99Ms),
  ];
}

/** Processes are the same in every round, in the same order. */
function processFigures(ours: readonly ContestRound[]): Figure[] {
  return ours[0]!.environment.processes.flatMap(({ name, limitUsage }, i) => {
    type Report = ContestRound["environment"]["processes"][number];
    const of = (what: string, unit: string, pick: (report: Report) => number): Figure =>
      figureOf(`${name}, ${what}`, unit, "lower", ours, ({ environment }) => pick(environment.processes[i]!));
    const figures = [
      of("CPU", "s", ({ cpuSeconds }) => cpuSeconds),
      of("peak RSS", "MiB", ({ rssPeakBytes }) => rssPeakBytes / MEBIBYTE),
    ];
    if (limitUsage === undefined) return figures;
    figures.push(of("throttled", "ms", (report) => report.limitUsage?.throttledMs ?? 0));
    const steadyParts = ours.map(({ measured }) => steadyThrottledPart(measured.samples, name));
    if (steadyParts.includes(undefined)) return figures;
    const what = `${name}, periods throttled from second ${STEADY_FROM_MS / 1000} on`;
    return [...figures, figureOf(what, "%", "lower", steadyParts, (part = 0) => part * 100)];
  });
}
