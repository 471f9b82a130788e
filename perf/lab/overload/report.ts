import { LATENESS_MS_MAX } from "../load/load-summary.ts";
import { figureOf } from "../report/figure.ts";
import type { Axis, Chart, Figure } from "../report/result.ts";
import type { OverloadOptions } from "./command-line.ts";
import type { OverloadRound } from "./measure.ts";
import type { OverloadSecond, Stage } from "./stages.ts";

const SECONDS_AXIS: Axis = { label: "second of the overload", scale: "linear" };
/** Of payments that are due a second apart: below it a second's p99 is chance. */
const FAST_RATIO_MAX = 1.5;

export function overloadFigures(rounds: readonly OverloadRound[], capacity: number): Figure[] {
  const of = (name: string, unit: string, better: Figure["better"], pick: (round: OverloadRound) => number): Figure =>
    figureOf(name, unit, better, rounds, pick);
  return [
    of("accepted ÷ capacity", "ratio", "higher", ({ stages }) => perSecond(stages.overload, "acceptedMs") / capacity),
    of("accepted", "1/s", "higher", ({ stages }) => perSecond(stages.overload, "acceptedMs")),
    of("refused", "1/s", "lower", ({ stages }) => perSecond(stages.overload, "refusedMs")),
    of("neither", "1/s", "lower", ({ stages }) => neitherPerSecond(stages.overload)),
    of("p50 of what is accepted", "ms", "lower", ({ stages }) => stages.overload.acceptedMs.at(50)),
    of("p99 of what is accepted", "ms", "lower", ({ stages }) => stages.overload.acceptedMs.at(99)),
    of("p50 of refusals", "ms", "lower", ({ stages }) => stages.overload.refusedMs.at(50)),
    of("p99 of refusals", "ms", "lower", ({ stages }) => stages.overload.refusedMs.at(99)),
    of("p99 before", "ms", "lower", ({ stages }) => stages.calm.acceptedMs.at(99)),
    of("p99 from one second after it on", "ms", "lower", ({ stages }) => stages.after.acceptedMs.at(99)),
    of("refused from one second after it on", "payments", "lower", ({ stages }) => stages.after.refusedMs.count),
    of("seconds until as fast as before", "s", "lower", ({ stages }) => recoverySeconds(stages.seconds)),
    of("differences in the audit", "payments", "lower", auditDifference),
  ];
}

function perSecond(stage: Stage, kind: "acceptedMs" | "refusedMs"): number {
  return (stage[kind].count * 1000) / stage.durationMs;
}

function neitherPerSecond(stage: Stage): number {
  return (stage.dueCount * 1000) / stage.durationMs - perSecond(stage, "acceptedMs") - perSecond(stage, "refusedMs");
}

/**
 * From the end of the overload to the first second from which on nothing is refused and no second's p99 is far above
 * the worst of those before. As many as there were, if that never comes.
 */
export function recoverySeconds(seconds: readonly OverloadSecond[]): number {
  const calm = seconds.filter(({ second }) => second < 0);
  const after = seconds.slice(seconds.length - calm.length);
  const worstMs = Math.max(...calm.map(({ acceptedP99Ms }) => acceptedP99Ms)) * FAST_RATIO_MAX;
  const isSlow = ({ acceptedP99Ms, refusedCount }: OverloadSecond): boolean =>
    acceptedP99Ms > worstMs || refusedCount > 0;
  return after.findLastIndex(isSlow) + 1;
}

function auditDifference({ settlement, acceptedCount, uncertainCount }: OverloadRound): number {
  if (settlement === undefined) return 0;
  const { chargedCount } = settlement;
  return Math.max(acceptedCount - chargedCount, chargedCount - acceptedCount - uncertainCount, 0);
}

export function overloadRemarks(rounds: readonly OverloadRound[], { slowClientCount }: OverloadOptions): string[] {
  return rounds.flatMap((one) => {
    const { round, stages, failures, uncertainCount, settlement, usage, cpu, elapsedMs } = one;
    const latenessMs = stages.overload.latenessMs.at(99);
    const generator = `the generator took ${((cpu.generatorCpuSeconds * 1000) / elapsedMs).toFixed(2)} CPU`;
    const remarks = [
      `${generator}, and was late by ${latenessMs.toFixed(2)} ms at its p99 in the overload`,
      ...(latenessMs > LATENESS_MS_MAX ? [`that is more than ${LATENESS_MS_MAX} ms: latencies contain it`] : []),
      ...Object.entries(failures).map(([reason, count]) => `${reason}: ${count}`),
      ...(uncertainCount > 0 ? [`of which it is unknown whether they were accepted: ${uncertainCount}`] : []),
      ...usage
        .filter(({ throttledCount }) => throttledCount > 0)
        .map(({ name, throttledShare }) => `${name} stood still ${(throttledShare * 100).toFixed(0)} % of the time`),
      ...(settlement === undefined ? ["what was charged is not checked"] : []),
      ...(settlement?.problem === undefined ? [] : [settlement.problem]),
      ...(slowClientCount > 0 ? [`slow clients still connected at the end: ${one.slowClientCount}`] : []),
    ];
    return remarks.map((remark) => `round ${round}: ${remark}`);
  });
}

export function overloadCharts(rounds: readonly OverloadRound[]): Chart[] {
  const { seconds } = rounds[0]!.stages;
  const series = (label: string, of: (second: OverloadSecond) => number) => ({
    label,
    points: seconds.map((second) => [second.second, of(second)] as const),
  });
  return [
    {
      title: "What became of the payments of each second, round 1",
      x: SECONDS_AXIS,
      y: { label: "payments per second", scale: "linear" },
      series: [
        series("offered", ({ dueCount }) => dueCount),
        series("accepted", ({ acceptedCount }) => acceptedCount),
        series("refused", ({ refusedCount }) => refusedCount),
      ],
    },
    {
      title: "How fast they were answered, round 1",
      x: SECONDS_AXIS,
      y: { label: "ms", scale: "log" },
      series: [
        series("p50 of what is accepted", ({ acceptedP50Ms }) => acceptedP50Ms),
        series("p99 of what is accepted", ({ acceptedP99Ms }) => acceptedP99Ms),
        series("p99 of refusals", ({ refusedP99Ms }) => refusedP99Ms),
      ],
    },
  ];
}

export function overloadDetails(rounds: readonly OverloadRound[]): object {
  return {
    rounds: rounds.map(({ stages, ...rest }) => ({
      ...rest,
      seconds: stages.seconds,
      overload: stageDetails(stages.overload),
      before: stageDetails(stages.calm),
      after: stageDetails(stages.after),
    })),
  };
}

function stageDetails({ durationMs, dueCount, acceptedMs, refusedMs, latenessMs }: Stage): object {
  return {
    durationMs,
    dueCount,
    acceptedMs: acceptedMs.percentiles,
    refusedMs: refusedMs.percentiles,
    latenessMs: latenessMs.percentiles,
  };
}
