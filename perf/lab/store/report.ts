import type { KeepingName } from "../contenders/contender.ts";
import { type Cost, costOf, sumOf, totalUs } from "../cost/costs.ts";
import { latencyCharts, latencyDetails, latencyFigures, latencyRemarks } from "../latency/report.ts";
import { figure, figureOf, median } from "../report/figure.ts";
import type { Chart, Figure, Series } from "../report/result.ts";
import { PRIMARY_NAME, STANDBY_NAME } from "./keepings.ts";
import type { StoreMeasurement, StoreRound } from "./measure.ts";
import type { StoreLoad } from "./store-meter.ts";

const UNIT = "µs";
/** By which the store is judged: p50 of accepting by that with fsync, CPU by that with write. */
const P50_FACTOR = 2.5;
const P50_MORE_MS = 1;
const CPU_FACTOR = 1.5;
const P50_BOUND = `(${P50_FACTOR} × fsync + ${P50_MORE_MS} ms)`;
const CPU_BOUND = `(${CPU_FACTOR} × write)`;

const isOurs = (name: string): boolean => name === "nginx" || name.startsWith("instance-");

/** What the rounds cost, idling taken off. */
class Costs {
  readonly #measurement: StoreMeasurement;

  constructor(measurement: StoreMeasurement) {
    this.#measurement = measurement;
  }

  get rates(): number[] {
    return [...new Set(this.#measurement.rounds.map(({ load }) => load.ratePerSecond))];
  }

  of(rate: number, name: KeepingName): StoreRound[] {
    return this.#measurement.rounds.filter(({ load, contender }) => load.ratePerSecond === rate && contender === name);
  }

  /** nginx and the instances. */
  readonly ours = (round: StoreRound): number => totalUs(this.#cost(round, isOurs));

  readonly postgres = (round: StoreRound): number =>
    totalUs(sumOf(...[PRIMARY_NAME, STANDBY_NAME].map((name) => this.#cost(round, (other) => other === name))));

  #cost({ contender, usage, load }: StoreRound, isWanted: (name: string) => boolean): Cost {
    const names = usage.map(({ name }) => name).filter(isWanted);
    return costOf(names, usage, this.#measurement.idle[contender] ?? [], load.acceptedCount);
  }
}

/** `hotShare`: of the whole run. */
export function storeFigures(measurement: StoreMeasurement, hotShare: number): Figure[] {
  const costs = new Costs(measurement);
  return [
    ...latencyFigures(measurement.rounds),
    ...costs.rates.flatMap((rate) => [
      ...costFigures(costs, rate),
      ...databaseFigures(costs.of(rate, "store"), rate),
      ...judgements(costs, rate),
    ]),
    figure("updates of rinha.partition that are HOT", "ratio", "higher", [hotShare]),
  ];
}

function costFigures(costs: Costs, rate: number): Figure[] {
  const of = (name: KeepingName): Figure =>
    figureOf(
      `CPU per payment of nginx and instances at ${rate}/s, ${name}`,
      UNIT,
      "lower",
      costs.of(rate, name),
      costs.ours,
    );
  const postgres = `CPU per payment of PostgreSQL and its standby at ${rate}/s`;
  return [
    ...(["write", "fsync", "store"] as const).map(of),
    figureOf(postgres, UNIT, "lower", costs.of(rate, "store"), costs.postgres),
  ];
}

function databaseFigures(rounds: readonly StoreRound[], rate: number): Figure[] {
  const of = (
    name: string,
    unit: string,
    better: Figure["better"],
    pick: (load: StoreLoad, accepted: number) => number,
  ) => figureOf(`${name} at ${rate}/s`, unit, better, rounds, ({ store, load }) => pick(store!, load.acceptedCount));
  return [
    of("appends", "1/s", "lower", ({ appendsPerSecond }) => appendsPerSecond),
    of("records per append", "records", "higher", ({ recordsPerAppend }) => recordsPerAppend),
    of("partitions per append", "partitions", "lower", ({ chunksPerAppend }) => chunksPerAppend),
    of("bytes in the database per payment", "B", "lower", ({ databaseBytes }, accepted) => databaseBytes / accepted),
    of("WAL per payment", "B", "lower", ({ walBytes }, accepted) => walBytes / accepted),
  ];
}

/** At most 1 each. */
function judgements(costs: Costs, rate: number): Figure[] {
  const store = costs.of(rate, "store");
  const p50 = (round: StoreRound): number => round.load.latencyMs.at(50);
  const fsync = costs.of(rate, "fsync").map((round) => P50_FACTOR * p50(round) + P50_MORE_MS);
  const write = costs.of(rate, "write").map((round) => CPU_FACTOR * costs.ours(round));
  return [
    figureOf(`p50 at ${rate}/s, store ÷ ${P50_BOUND}`, "ratio", "lower", store, (round, i) => p50(round) / fsync[i]!),
    figureOf(
      `CPU per payment of nginx and instances at ${rate}/s, store ÷ ${CPU_BOUND}`,
      "ratio",
      "lower",
      store,
      (round, i) => costs.ours(round) / write[i]!,
    ),
  ];
}

export function storeCharts(measurement: StoreMeasurement): Chart[] {
  const costs = new Costs(measurement);
  const of = (label: string, name: KeepingName, value: (round: StoreRound) => number): Series => ({
    label,
    points: costs.rates.map((rate): [number, number] => [rate, median(costs.of(rate, name).map(value))]),
  });
  const perRate: Chart[] = [
    {
      title: "p99 of accepting by rate, medians",
      x: { label: "payments per second", scale: "linear" },
      y: { label: "latency, ms", scale: "log" },
      series: (["write", "fsync", "store"] as const).map((name) => of(name, name, ({ load }) => load.latencyMs.at(99))),
    },
    {
      title: "CPU per payment by rate, medians",
      x: { label: "payments per second", scale: "linear" },
      y: { label: UNIT, scale: "linear" },
      series: [
        ...(["write", "fsync", "store"] as const).map((name) => of(`nginx and instances, ${name}`, name, costs.ours)),
        of("PostgreSQL and its standby", "store", costs.postgres),
      ],
    },
  ];
  return [...perRate, ...latencyCharts(measurement.rounds)];
}

export function storeRemarks(measurement: StoreMeasurement, figures: readonly Figure[]): string[] {
  const judged = figures.filter(({ name }) => name.endsWith(P50_BOUND) || name.endsWith(CPU_BOUND));
  const verdicts = judged.map(({ name, rounds }) => `${name}: ${median(rounds) <= 1 ? "within" : "ABOVE"} 1`);
  return [
    ...latencyRemarks(measurement.rounds),
    ...verdicts,
    "PostgreSQL and its standby have no limits, and the same CPUs as all others; their time is in ticks of 10 ms",
    "idling is taken off all CPU per payment",
  ];
}

export function storeDetails({ rounds, idle }: StoreMeasurement): object {
  return { ...latencyDetails(rounds), idle };
}
