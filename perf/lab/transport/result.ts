import { figureOf } from "../report/figure.ts";
import type { Figure, Measured } from "../report/result.ts";
import type { TransportOptions } from "./command-line.ts";
import { WAYS, type Way } from "./ways.ts";

/** Microseconds of CPU for each request. */
export type TransportRound = Readonly<Record<Way, number>>;

export function transportResult(options: TransportOptions, rounds: readonly TransportRound[]): Measured {
  const ratio = (name: string, of: Way, to: Way): Figure =>
    figureOf(name, "ratio", "lower", rounds, (round) => round[of] / round[to]);
  return {
    kind: "transport",
    title: "sending to processors: plain sockets, undici, and undici with TLS",
    options,
    figures: [
      ...WAYS.map((way) => figureOf(`${way}, CPU each`, "µs", "lower", rounds, (round) => round[way])),
      ratio("undici ÷ plain sockets", "undici", "plain sockets"),
      ratio("undici, TLS ÷ undici", "undici, TLS", "undici"),
      ratio("undici, TLS ÷ plain sockets", "undici, TLS", "plain sockets"),
    ],
    remarks: [],
    charts: [
      {
        title: "Sender's CPU for each request",
        x: { label: "round", scale: "linear" },
        y: { label: "µs", scale: "linear" },
        series: WAYS.map((way) => ({ label: way, points: rounds.map((round, i) => [i + 1, round[way]] as const) })),
      },
    ],
  };
}
