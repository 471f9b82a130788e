import { figure } from "../report/figure.ts";
import type { Figure, Measured } from "../report/result.ts";
import type { Round } from "./bench.ts";
import type { BenchOptions } from "./command-line.ts";

/** Figures by mode; everything is set against the first mode, round by round. */
export function resultOf(options: BenchOptions, byMode: ReadonlyMap<string, readonly Round[]>): Measured {
  const [off] = [...byMode.values()];
  const figures = [...byMode].flatMap(([mode, rounds]): Figure[] => {
    const ratios = rounds.map(({ perCore }, i) => perCore / off![i]!.perCore);
    const cpuUs = rounds.map(({ perCore }) => 1e6 / perCore);
    const p99Ms = rounds.map((round) => round.p99Ms);
    const residentMb = rounds.map((round) => round.residentMb);
    return [
      figure(`CPU per payment, ${mode}`, "µs", "lower", cpuUs),
      ...(rounds === off ? [] : [figure(`throughput per core, ${mode} ÷ off`, "ratio", "higher", ratios)]),
      figure(`p99, ${mode}`, "ms", "lower", p99Ms),
      figure(`resident memory, ${mode}`, "MB", "lower", residentMb),
    ];
  });
  const { rounds, connections, durationMs } = options;
  return {
    kind: "telemetry",
    title: `cost of telemetry, ${rounds} rounds of ${durationMs / 1000} s with ${connections} connections`,
    options,
    figures,
    remarks: [],
    charts: [],
  };
}
