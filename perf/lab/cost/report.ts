import { LATENESS_MS_MAX } from "../load/load-summary.ts";
import { figure } from "../report/figure.ts";
import type { Chart, Figure } from "../report/result.ts";
import { type CostMeasurement, type CostRound, type Mode, totalUs } from "./measure.ts";
import type { ProfileSummary } from "./profile-summary.ts";

const UNIT = "µs";

function roundsOf(rounds: readonly CostRound[], mode: Mode): CostRound[] {
  return rounds.filter((round) => round.mode === mode);
}

export function costFigures(rounds: readonly CostRound[]): Figure[] {
  const [healthy, accept, floor] = [roundsOf(rounds, "healthy"), roundsOf(rounds, "accept"), roundsOf(rounds, "floor")];
  const all = ({ nginx, instances }: CostRound): number => totalUs(nginx) + totalUs(instances);
  const system = ({ nginx, instances }: CostRound): number => nginx.systemUs + instances.systemUs;
  const lower = (name: string, of: readonly CostRound[], value: (round: CostRound, i: number) => number): Figure =>
    figure(name, UNIT, "lower", of.map(value));
  return [
    lower("CPU per payment, nginx and instances", healthy, all),
    lower("of it nginx", healthy, ({ nginx }) => totalUs(nginx)),
    lower("of it accepting", accept, ({ instances }) => totalUs(instances)),
    lower("of it processing", healthy, ({ instances }, i) => totalUs(instances) - totalUs(accept[i]!.instances)),
    lower("of it user", healthy, (round) => all(round) - system(round)),
    lower("of it system", healthy, system),
    lower("CPU per payment, floor", floor, all),
    lower("of the floor's nginx", floor, ({ nginx }) => totalUs(nginx)),
    lower("of the floor's processes", floor, ({ instances }) => totalUs(instances)),
    figure(
      "CPU per payment, ours ÷ floor",
      "ratio",
      "lower",
      healthy.map((round, i) => all(round) / all(floor[i]!)),
    ),
  ];
}

export function costCharts(rounds: readonly CostRound[], profile: ProfileSummary | undefined): Chart[] {
  const modes: readonly Mode[] = ["healthy", "accept", "floor"];
  const perRound: Chart = {
    title: "CPU per payment, round by round",
    x: { label: "round", scale: "linear" },
    y: { label: UNIT, scale: "linear" },
    series: modes.flatMap((mode) => [
      {
        label: `${mode}, nginx`,
        points: roundsOf(rounds, mode).map((round): [number, number] => [round.round, totalUs(round.nginx)]),
      },
      {
        label: `${mode}, instances`,
        points: roundsOf(rounds, mode).map((round): [number, number] => [round.round, totalUs(round.instances)]),
      },
    ]),
  };
  return profile === undefined ? [perRound] : [perRound, profileChart(profile)];
}

/** How few functions the time is spent in. */
function profileChart({ functions, busyMs }: ProfileSummary): Chart {
  let sumMs = 0;
  return {
    title: "Self time of the functions together, the most expensive first",
    x: { label: "functions", scale: "linear" },
    y: { label: "% of the busy time", scale: "linear" },
    series: [
      {
        label: "self time",
        points: functions.map(({ selfMs }, i): [number, number] => {
          sumMs += selfMs;
          return [i + 1, (sumMs / busyMs) * 100];
        }),
      },
    ],
  };
}

export function costRemarks({ rounds, idle }: CostMeasurement): string[] {
  const remarks: string[] = [];
  for (const { mode, round, problem, latenessP99Ms } of rounds) {
    if (problem !== undefined) remarks.push(`${mode}, round ${round}: ${problem}`);
    if (latenessP99Ms > LATENESS_MS_MAX) {
      remarks.push(`the generator was late by more than ${LATENESS_MS_MAX} ms at its p99: ${mode}, round ${round}`);
    }
  }
  const throttled = rounds.filter(({ usage }) => usage.some(({ throttledShare }) => throttledShare > 0.01));
  if (throttled.length > 0) {
    remarks.push(`a CPU limit was hit: ${throttled.map(({ mode, round }) => `${mode}, round ${round}`).join("; ")}`);
  }
  const idleShare = idle.ours.reduce(
    (sum, { name, cpuShare }) => sum + (name.startsWith("processor-") ? 0 : cpuShare),
    0,
  );
  remarks.push(`idling takes ${(idleShare * 100).toFixed(2)} % of a CPU and is taken off`);
  remarks.push(
    "user and system are told apart by the kernel's ticks, so roughly; the total is exact where it comes from cgroups",
  );
  return remarks;
}

/** The profile, for a terminal. */
export function profileText({ busyMs, categories, functions }: ProfileSummary): string {
  const share = (ms: number): string => `${((ms / busyMs) * 100).toFixed(1).padStart(5)} %`;
  return [
    `\nWhere the instances' time goes (self time, V8's profiler, ${busyMs.toFixed(0)} ms of CPU):`,
    ...categories.map(({ name, selfMs }) => `  ${share(selfMs)}  ${name}`),
    "\nThe most expensive functions:",
    ...functions.map(({ name, place, selfMs }) => `  ${share(selfMs)}  ${name}  ${place}`),
    "",
  ].join("\n");
}
