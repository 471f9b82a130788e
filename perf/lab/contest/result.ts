import { PROCESSOR_NAMES } from "../../../core/payment.ts";
import { figure } from "../report/figure.ts";
import type { Commit, Figure, Result } from "../report/result.ts";
import { contestCharts } from "./charts.ts";
import type { CommandLine } from "./command-line.ts";
import type { Percentiles } from "./recorder.ts";
import { remarksOf } from "./remarks.ts";
import type { ContestRound } from "./round.ts";

const MEBIBYTE = 1024 * 1024;

/** In the order they were run; of the floor as many, or none. */
export type ContestRounds = {
  readonly ours: readonly ContestRound[];
  readonly floor: readonly ContestRound[];
};

export function contestResult(
  { contest, target, roundCount }: CommandLine,
  rounds: ContestRounds,
  commit: Commit | undefined,
): Result {
  const { ours, floor } = rounds;
  const { measured, environment } = ours[0]!;
  const { userCount, durationMs } = contest.load;
  const shown = middleRound(ours);
  return {
    kind: "contest",
    title: `contest: ${userCount} users over ${durationMs / 1000} s, ${environment.description}`,
    startedAt: measured.startedAt,
    commit,
    machine: environment.machine,
    options: { ...contest, target, roundCount, withFloor: floor.length > 0 },
    figures: [...latencyFigures(rounds), ...outcomeFigures(ours), ...processFigures(ours)],
    remarks: remarksOf(rounds, shown),
    charts: contestCharts(ours[shown]!, floor.length === 0 ? undefined : floor[middleRound(floor)]),
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
function latencyFigures({ ours, floor }: ContestRounds): Figure[] {
  const latency = (name: string, rounds: readonly ContestRound[], pick: (all: Percentiles) => number): Figure =>
    figure(
      name,
      "ms",
      "lower",
      rounds.map(({ measured }) => pick(measured.all)),
    );
  const figures = [
    latency("p50", ours, ({ p50Ms }) => p50Ms),
    latency("p90", ours, ({ p90Ms }) => p90Ms),
    latency("p99", ours, ({ p99Ms }) => p99Ms),
    latency("p99.9", ours, ({ p999Ms }) => p999Ms),
    latency("max", ours, ({ maxMs }) => maxMs),
  ];
  if (floor.length > 0) {
    const ratios = ours.map((round, i) => p99Of(round) / p99Of(floor[i]!));
    figures.push(
      latency("p50 of the floor", floor, ({ p50Ms }) => p50Ms),
      latency("p99 of the floor", floor, ({ p99Ms }) => p99Ms),
      figure("p99, ours ÷ floor", "ratio", "lower", ratios),
    );
  }
  return figures;
}

function outcomeFigures(ours: readonly ContestRound[]): Figure[] {
  const of = (
    name: string,
    unit: string,
    better: Figure["better"],
    pick: (round: ContestRound["measured"]) => number,
  ) =>
    figure(
      name,
      unit,
      better,
      ours.map(({ measured }) => pick(measured)),
    );
  return [
    of("score", "", "higher", ({ score }) => score.score),
    of("profit", "", "higher", ({ score }) => score.profit),
    of("fees", "", "lower", ({ score }) => score.feeAmount),
    of("accepted", "payments", "higher", ({ acceptedCount }) => acceptedCount),
    of("lag", "payments", "lower", ({ score }) => score.lagCount),
    of("audit differences", "payments", "lower", ({ auditDifferenceCount }) => auditDifferenceCount),
    ...PROCESSOR_NAMES.map((role) =>
      of(
        `charged by ${role}`,
        "payments",
        role === "default" ? "higher" : "lower",
        ({ final }) => final.processors[role].count,
      ),
    ),
    of("p99 of the generator's lateness", "ms", "lower", ({ lateness }) => lateness.p99Ms),
  ];
}

/** Processes are the same in every round, in the same order. */
function processFigures(ours: readonly ContestRound[]): Figure[] {
  return ours[0]!.environment.processes.flatMap(({ name, limitUsage }, i) => {
    const of = (
      what: string,
      unit: string,
      pick: (report: ContestRound["environment"]["processes"][number]) => number,
    ) =>
      figure(
        `${name}, ${what}`,
        unit,
        "lower",
        ours.map(({ environment }) => pick(environment.processes[i]!)),
      );
    const figures = [
      of("CPU", "s", ({ cpuSeconds }) => cpuSeconds),
      of("peak RSS", "MiB", ({ rssPeakBytes }) => rssPeakBytes / MEBIBYTE),
    ];
    if (limitUsage === undefined) return figures;
    return [...figures, of("throttled", "ms", (report) => report.limitUsage?.throttledMs ?? 0)];
  });
}
