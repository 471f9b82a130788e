import { figure } from "../report/figure.ts";
import type { Chart, Figure, Result } from "../report/result.ts";
import type { TargetName } from "./target.ts";

export type AcceptOptions = {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
};

/** One server in one round. */
export type Round = {
  /** Payments a second that one core would accept. */
  readonly perCore: number;
  readonly p50Us: number;
  readonly p99Us: number;
};

type Rounds = ReadonlyMap<TargetName, readonly Round[]>;

export function resultOf(options: AcceptOptions, rounds: Rounds): Omit<Result, "startedAt" | "commit" | "machine"> {
  const { seconds, connections } = options;
  return {
    kind: "accept",
    title: `accepting payments: ${connections} connections in a closed loop, ${seconds} s of each server in a round`,
    options,
    figures: [...rounds].flatMap(([name, measured]) => figuresOf(name, measured, rounds.get("floor")!)),
    remarks: [],
    charts: [perCoreChart(rounds)],
  };
}

function figuresOf(name: TargetName, rounds: readonly Round[], floor: readonly Round[]): Figure[] {
  const of = (pick: (round: Round, i: number) => number): number[] => rounds.map(pick);
  const figures = [
    figure(
      `${name}, per core`,
      "1/s",
      "higher",
      of(({ perCore }) => perCore),
    ),
    figure(
      `${name}, CPU each`,
      "µs",
      "lower",
      of(({ perCore }) => 1e6 / perCore),
    ),
    figure(
      `${name}, p50`,
      "µs",
      "lower",
      of(({ p50Us }) => p50Us),
    ),
    figure(
      `${name}, p99`,
      "µs",
      "lower",
      of(({ p99Us }) => p99Us),
    ),
  ];
  if (name === "floor") return figures;
  // Each round against the floor of the same round: what else the machine did then slowed both.
  const ofFloor = of(({ perCore }, i) => perCore / floor[i]!.perCore);
  return [figure(`${name} ÷ floor, per core`, "ratio", "higher", ofFloor), ...figures];
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
