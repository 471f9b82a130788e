import { limitText } from "../limits/limit.ts";
import { figure, figureOf } from "../report/figure.ts";
import type { Chart, Figure, Measured } from "../report/result.ts";
import type { StartOptions } from "./command-line.ts";
import type { StartTimes } from "./measured-start.ts";
import type { Round, Starts } from "./rounds.ts";

const NAMES = { bare: "bare Node.js", shipped: "instance", compiled: "instance, from compiled files" } as const;
type Kind = keyof typeof NAMES;
const KINDS = Object.keys(NAMES) as Kind[];

export function resultOf(options: StartOptions, { rounds, scriptCounts, lack }: Starts): Measured {
  const { limit } = options;
  return {
    kind: "start",
    title: "starting an instance with an empty journal, and npm start",
    options,
    figures: [
      ...KINDS.flatMap((kind) => timesOf(NAMES[kind], rounds, (round) => round[kind])),
      figureOf("CPU, instance ÷ bare", "ratio", "lower", rounds, ({ shipped, bare }) => shipped.cpuMs / bare.cpuMs),
      figureOf("CPU, instance ÷ from compiled files", "ratio", "lower", rounds, cpuGain),
      ...limitedFigures(`instance with ${limitText(limit)}`, rounds),
      ...npmFigures(rounds),
      figure("scripts loaded, instance", "files", "lower", [scriptCounts.shipped]),
      figure("scripts loaded, from compiled files", "files", "lower", [scriptCounts.compiled]),
    ],
    remarks: lack === undefined ? [] : [`no limits, and CPU time in ticks of 10 ms: ${lack}`],
    charts: [chartOf(rounds)],
  };
}

function cpuGain({ shipped, compiled }: Round): number {
  return shipped.cpuMs / compiled.cpuMs;
}

function timesOf(name: string, rounds: readonly Round[], pick: (round: Round) => StartTimes): Figure[] {
  return [
    figureOf(`${name}, CPU`, "ms", "lower", rounds, (round) => pick(round).cpuMs),
    figureOf(`${name}, to its answer or end`, "ms", "lower", rounds, (round) => pick(round).wallMs),
  ];
}

function limitedFigures(name: string, rounds: readonly Round[]): Figure[] {
  return rounds.some(({ limited }) => limited === undefined) ? [] : timesOf(name, rounds, ({ limited }) => limited!);
}

function npmFigures(rounds: readonly Round[]): Figure[] {
  if (rounds.some(({ npmStartMs }) => npmStartMs === undefined)) return [];
  return [figureOf("npm start, to the first answer", "ms", "lower", rounds, ({ npmStartMs }) => npmStartMs!)];
}

function chartOf(rounds: readonly Round[]): Chart {
  return {
    title: "CPU time of a start",
    x: { label: "round", scale: "linear" },
    y: { label: "ms", scale: "linear" },
    series: KINDS.map((kind) => ({
      label: NAMES[kind],
      points: rounds.map((round, i) => [i + 1, round[kind].cpuMs] as const),
    })),
  };
}
