import { figureOf } from "../report/figure.ts";
import type { Figure, Measured } from "../report/result.ts";
import type { BodyOptions } from "./command-line.ts";
import type { CpuUs } from "./loaded-instance.ts";
import type { Readers } from "./readers.ts";

export type BodyRound = Readers & CpuUs;

export function bodyResult(options: BodyOptions, rounds: readonly BodyRound[]): Measured {
  const of = (name: string, unit: string, pick: (round: BodyRound) => number): Figure =>
    figureOf(name, unit, "lower", rounds, pick);
  const series = (label: string, pick: (round: BodyRound) => number) => ({
    label,
    points: rounds.map((round, i) => [i + 1, pick(round)] as const),
  });
  return {
    kind: "body",
    title: "reading a payment's body: byte by byte, and by JSON.parse",
    options,
    figures: [
      of("byte by byte", "ns", ({ plainNs }) => plainNs),
      of("JSON.parse", "ns", ({ jsonNs }) => jsonNs),
      of("byte by byte ÷ JSON.parse", "ratio", ({ plainNs, jsonNs }) => plainNs / jsonNs),
      of("byte by byte, heap allocated", "B", ({ plainBytes }) => plainBytes),
      of("JSON.parse, heap allocated", "B", ({ jsonBytes }) => jsonBytes),
      of("instance, byte by byte, CPU each", "µs", ({ plainUs }) => plainUs),
      of("instance, JSON.parse, CPU each", "µs", ({ jsonUs }) => jsonUs),
      of("instance, byte by byte ÷ JSON.parse", "ratio", ({ plainUs, jsonUs }) => plainUs / jsonUs),
    ],
    remarks: [],
    charts: [
      {
        title: "Instance's CPU for each payment",
        x: { label: "round", scale: "linear" },
        y: { label: "µs", scale: "linear" },
        series: [series("byte by byte", ({ plainUs }) => plainUs), series("JSON.parse", ({ jsonUs }) => jsonUs)],
      },
    ],
  };
}
