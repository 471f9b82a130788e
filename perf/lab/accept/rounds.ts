import type { ClosedLoopOptions } from "../contenders/closed-loop-options.ts";
import { figureOf } from "../report/figure.ts";
import type { Chart, Figure, Measured } from "../report/result.ts";
import type { TargetName } from "./target.ts";

/** One server in one round. */
export type Round = {
  /** Payments a second that one core would accept. */
  readonly perCore: number;
  readonly p50Us: number;
  readonly p99Us: number;
};

type Rounds = ReadonlyMap<TargetName, readonly Round[]>;

export function resultOf(options: ClosedLoopOptions, rounds: Rounds): Measured {
  const { durationMs, connections } = options;
  return {
    kind: "accept",
    title: `accepting payments: ${connections} connections in a closed loop, ${durationMs / 1000} s each in a round`,
    options,
    figures: [...rounds].flatMap(([name, measured]) => figuresOf(name, measured, rounds)),
    remarks: [],
    charts: [perCoreChart(rounds)],
  };
}

function figuresOf(name: TargetName, measured: readonly Round[], all: Rounds): Figure[] {
  const figures = [
    figureOf(`${name}, per core`, "1/s", "higher", measured, ({ perCore }) => perCore),
    figureOf(`${name}, CPU each`, "µs", "lower", measured, ({ perCore }) => 1e6 / perCore),
    figureOf(`${name}, p50`, "µs", "lower", measured, ({ p50Us }) => p50Us),
    figureOf(`${name}, p99`, "µs", "lower", measured, ({ p99Us }) => p99Us),
  ];
  if (name === "floor" || name === "fair floor") return figures;
  const ratios = (["floor", "fair floor"] as const).map((floor) => {
    const floorRounds = all.get(floor)!;
    // Each round against the floor of the same round: what else the machine did then slowed both.
    const ratioOf = ({ perCore }: Round, i: number): number => perCore / floorRounds[i]!.perCore;
    return figureOf(`${name} ÷ ${floor}, per core`, "ratio", "higher", measured, ratioOf);
  });
  return [...ratios, ...figures];
}

function perCoreChart(rounds: Rounds): Chart {
  return {
    title: "Payments accepted per core",
    x: { label: "round", scale: "linear" },
    y: { label: "payments/s", scale: "linear" },
    series: [...rounds].map(([label, measured]) => ({
      label,
      points: measured.map(({ perCore }, i) => [i + 1, perCore] as const),
    })),
  };
}
