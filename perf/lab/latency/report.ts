import { FLOOR_NAMES, isFloor, KEEPING_NAMES } from "../contenders/contender.ts";
import { failuresText, roundDetails } from "../load/load-round.ts";
import { isGeneratorLate, LATENESS_MS_MAX } from "../load/load-summary.ts";
import { Samples } from "../load/samples.ts";
import { figure, figureOf, median } from "../report/figure.ts";
import type { Axis, Chart, Figure, Series } from "../report/result.ts";
import type { LatencyRound } from "./measure.ts";

const PERCENTILES = [
  { name: "p50", at: 50 },
  { name: "p99", at: 99 },
  { name: "p99.9", at: 99.9 },
] as const;

const PERCENTILE_AXIS: Axis = { label: "percentile", scale: "percentile" };
const LATENCY_AXIS: Axis = { label: "latency, ms", scale: "log" };

type Name = LatencyRound["contender"];
const ORDER: readonly Name[] = ["ours", ...KEEPING_NAMES, "target", ...FLOOR_NAMES];

/** Rounds by rate and contender, in the order they were measured. */
class Rounds {
  readonly #rounds: readonly LatencyRound[];

  constructor(rounds: readonly LatencyRound[]) {
    this.#rounds = rounds;
  }

  get rates(): number[] {
    return [...new Set(this.#rounds.map(({ load }) => load.ratePerSecond))];
  }

  get names(): Name[] {
    return [...new Set(this.#rounds.map(({ contender }) => contender))].sort(
      (a, b) => ORDER.indexOf(a) - ORDER.indexOf(b),
    );
  }

  of(rate: number, name: Name): LatencyRound[] {
    return this.#rounds.filter((round) => round.load.ratePerSecond === rate && round.contender === name);
  }
}

export function latencyFigures(measured: readonly LatencyRound[]): Figure[] {
  const rounds = new Rounds(measured);
  return rounds.rates.flatMap((rate) => [
    ...PERCENTILES.flatMap(({ name, at }) => percentileFigures(rounds, rate, `${name} at ${rate}/s`, at)),
    ...settleFigures(rounds, rate),
  ]);
}

function percentileFigures(rounds: Rounds, rate: number, label: string, percentile: number): Figure[] {
  const { names } = rounds;
  const msOf = (name: Name): number[] => rounds.of(rate, name).map(({ load }) => load.latencyMs.at(percentile));
  const plain = names.map((name) => figure(`${label}, ${name}`, "ms", "lower", msOf(name)));
  const ratios = names
    .filter((name) => !isFloor(name))
    .flatMap((name) =>
      names.filter(isFloor).map((floor) => {
        const floorMs = msOf(floor);
        const ratioOf = (ms: number, i: number): number => ms / floorMs[i]!;
        return figureOf(`${label}, ${name} ÷ ${floor}`, "ratio", "lower", msOf(name), ratioOf);
      }),
    );
  return [...plain, ...ratios];
}

function settleFigures(rounds: Rounds, rate: number): Figure[] {
  return rounds.names.flatMap((name) => {
    const tookMs = rounds.of(rate, name).flatMap(({ settlement }) => settlement?.tookMs ?? []);
    if (tookMs.length === 0) return [];
    return [figure(`everything charged after the last answer at ${rate}/s, ${name}`, "ms", "lower", tookMs)];
  });
}

export function latencyCharts(measured: readonly LatencyRound[]): Chart[] {
  const rounds = new Rounds(measured);
  const perRate = rounds.rates.flatMap((rate): Chart[] => [
    {
      title: `Latency at ${rate}/s, all rounds`,
      x: PERCENTILE_AXIS,
      y: LATENCY_AXIS,
      series: rounds.names.map((name) => distribution(name, rounds.of(rate, name), "latencyMs")),
    },
    overTime(rounds, rate),
  ]);
  const lateness: Chart = {
    title: "The generator's own lateness",
    x: PERCENTILE_AXIS,
    y: { label: "from due to sent, ms", scale: "log" },
    series: rounds.rates.flatMap((rate) =>
      rounds.names.map((name) => distribution(`${name} at ${rate}/s`, rounds.of(rate, name), "latenessMs")),
    ),
  };
  return [...perRate, lateness];
}

function distribution(label: string, rounds: readonly LatencyRound[], of: "latencyMs" | "latenessMs"): Series {
  return { label, points: Samples.merge(rounds.map(({ load }) => load[of])).plot() };
}

/** The rounds one after the other, each second's 50th and 99th percentile. */
function overTime(rounds: Rounds, rate: number): Chart {
  const lengths = rounds.names.map((name) => rounds.of(rate, name)[0]?.load.seconds.length ?? 0);
  const secondCount = Math.max(...lengths);
  const roundCount = Math.max(...rounds.names.map((name) => rounds.of(rate, name).length));
  const series = rounds.names.flatMap((name): Series[] => {
    const points = (of: "p50Ms" | "p99Ms") =>
      rounds
        .of(rate, name)
        .flatMap(({ load }, i) => load.seconds.map((second, s): [number, number] => [i * secondCount + s, second[of]]));
    return [
      { label: `p99 ${name}`, points: points("p99Ms") },
      { label: `p50 ${name}`, points: points("p50Ms") },
    ];
  });
  return {
    title: `Latency over time at ${rate}/s, second by second`,
    x: { label: "seconds of the rounds, one after the other", scale: "linear" },
    y: LATENCY_AXIS,
    series,
    bands: Array.from({ length: roundCount }, (_, i) => ({
      from: i * secondCount,
      to: (i + 1) * secondCount - 1,
      label: `round ${i + 1}`,
    })),
  };
}

export function latencyRemarks(measured: readonly LatencyRound[]): string[] {
  const at = ({ contender, round, load }: LatencyRound): string =>
    `${contender} at ${load.ratePerSecond}/s, round ${round}`;
  const late = measured.filter(({ load }) => isGeneratorLate(load));
  const idleShares = measured.map(({ idleCpuShare }) => idleCpuShare);
  const remarks: string[] = [];
  if (late.length > 0) {
    remarks.push(`the generator was late by more than ${LATENESS_MS_MAX} ms at its p99: ${late.map(at).join("; ")}`);
  }
  for (const round of measured) {
    if (round.load.failedCount > 0) remarks.push(`not accepted, ${at(round)}: ${failuresText(round.load.failures)}`);
    if (round.settlement?.problem !== undefined) remarks.push(`${at(round)}: ${round.settlement.problem}`);
  }
  const generator = median(measured.map(({ load }) => load.generatorCpuShare));
  remarks.push(`the generator took ${generator.toFixed(2)} of a CPU (median), of the same machine`);
  if (new Rounds(measured).names.length > 1) {
    remarks.push(`all contenders are up all the time; those waiting took ${median(idleShares).toFixed(3)} of a CPU`);
  }
  return remarks;
}

export function latencyDetails(measured: readonly LatencyRound[]): object {
  return { rounds: measured.map((round) => ({ ...round, load: roundDetails(round.load) })) };
}
