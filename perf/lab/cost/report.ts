import { FLOOR_NAMES, type FloorName } from "../contenders/contender.ts";
import { LATENESS_MS_MAX } from "../load/load-summary.ts";
import { figureOf } from "../report/figure.ts";
import type { Chart, Figure, Series } from "../report/result.ts";
import { sumOf, totalUs } from "./costs.ts";
import type { CostMeasurement, CostRound, Mode } from "./measure.ts";
import type { ProfileSummary } from "./profile-summary.ts";

const UNIT = "µs";
const MODES: readonly Mode[] = ["healthy", "accept", ...FLOOR_NAMES];

function roundsOf(rounds: readonly CostRound[], mode: Mode): CostRound[] {
  return rounds.filter((round) => round.mode === mode);
}

const allOf = ({ nginx, instances, sender }: CostRound): number => totalUs(sumOf(nginx, instances, sender));
const systemOf = ({ nginx, instances, sender }: CostRound): number => sumOf(nginx, instances, sender).systemUs;

/** Whether anybody knows the processes: nothing is said of a service whose processes nobody has named. */
function isCounted({ usage }: CostRound): boolean {
  return usage.length > 0;
}

export function costFigures(rounds: readonly CostRound[]): Figure[] {
  const healthy = roundsOf(rounds, "healthy").filter(isCounted);
  const floors = FLOOR_NAMES.flatMap((name) => floorFigures(healthy, name, roundsOf(rounds, name)));
  return healthy.length === 0 ? floors : [...serviceFigures(healthy, roundsOf(rounds, "accept")), ...floors];
}

function serviceFigures(healthy: readonly CostRound[], accept: readonly CostRound[]): Figure[] {
  const lower = (name: string, value: (round: CostRound, i: number) => number): Figure =>
    figureOf(name, UNIT, "lower", healthy, value);
  return [
    lower("CPU per payment, nginx and instances", allOf),
    lower("of it nginx", ({ nginx }) => totalUs(nginx)),
    ...acceptFigures(healthy, accept),
    lower("of it user", (round) => allOf(round) - systemOf(round)),
    lower("of it system", systemOf),
  ];
}

/** Without rounds in which the processors failed the two cannot be told apart. */
function acceptFigures(healthy: readonly CostRound[], accept: readonly CostRound[]): Figure[] {
  if (accept.length === 0) return [];
  const processing = ({ instances }: CostRound, i: number): number =>
    totalUs(instances) - totalUs(accept[i]!.instances);
  return [
    figureOf("of it accepting", UNIT, "lower", accept, ({ instances }) => totalUs(instances)),
    figureOf("of it processing", UNIT, "lower", healthy, processing),
  ];
}

function floorFigures(healthy: readonly CostRound[], name: FloorName, floor: readonly CostRound[]): Figure[] {
  const who = healthy[0]?.contender;
  const ratioOf = (round: CostRound, i: number): number => allOf(round) / allOf(floor[i]!);
  const ratio = (): Figure => figureOf(`CPU per payment, ${who} ÷ ${name}`, "ratio", "lower", healthy, ratioOf);
  const sender = figureOf(`of the ${name}'s sender`, UNIT, "lower", floor, (round) => totalUs(round.sender));
  return [
    figureOf(`CPU per payment, ${name}`, UNIT, "lower", floor, allOf),
    figureOf(`of the ${name}'s nginx`, UNIT, "lower", floor, ({ nginx }) => totalUs(nginx)),
    figureOf(`of the ${name}'s processes`, UNIT, "lower", floor, ({ instances }) => totalUs(instances)),
    ...(name === "floor" ? [] : [sender]),
    ...(who === undefined ? [] : [ratio()]),
  ];
}

export function costCharts(rounds: readonly CostRound[], profile: ProfileSummary | undefined): Chart[] {
  const seriesOf = (mode: Mode, label: string, cost: (round: CostRound) => number): Series => ({
    label: `${mode}, ${label}`,
    points: roundsOf(rounds, mode).map((round): [number, number] => [round.round, cost(round)]),
  });
  const perRound: Chart = {
    title: "CPU per payment, round by round",
    x: { label: "round", scale: "linear" },
    y: { label: UNIT, scale: "linear" },
    series: [
      ...MODES.flatMap((mode) => [
        seriesOf(mode, "nginx", ({ nginx }) => totalUs(nginx)),
        seriesOf(mode, "instances", ({ instances }) => totalUs(instances)),
      ]),
      seriesOf("fair floor", "sender", ({ sender }) => totalUs(sender)),
    ].filter(({ points }) => points.length > 0),
  };
  return profile === undefined ? [perRound] : [perRound, profileChart(profile)];
}

/** How few functions the time is spent in. */
export function profileChart({ functions, busyMs }: ProfileSummary): Chart {
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
  if (roundsOf(rounds, "accept").length === 0) {
    remarks.push(
      "accepting and processing are not separated: the processors are not known, so they cannot be made to fail",
    );
  }
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
  remarks.push(...idleRemarks(idle));
  remarks.push(
    "user and system are told apart by the kernel's ticks, so roughly; the total is exact where it comes from cgroups",
  );
  return remarks;
}

function idleRemarks({ ours, target }: CostMeasurement["idle"]): string[] {
  const counted = (ours ?? target ?? []).filter(({ name }) => !name.startsWith("processor-"));
  if (counted.length === 0) return [];
  const share = counted.reduce((sum, { cpuShare }) => sum + cpuShare, 0);
  return [`idling takes ${(share * 100).toFixed(2)} % of a CPU and is taken off`];
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
