import { figure } from "../report/figure.ts";
import type { Figure, Measured } from "../report/result.ts";
import type { Compared, Round } from "./bench.ts";
import type { BenchOptions } from "./command-line.ts";
import type { Slice } from "./slice.ts";

/** Milliseconds of CPU of one instance. */
type PickMs = (slice: Slice) => number;

const all: PickMs = ({ mainMs, othersMs }) => mainMs + othersMs;
const eventLoop: PickMs = ({ mainMs }) => mainMs;
const others: PickMs = ({ othersMs }) => othersMs;

/** What each way of watching adds, round by round. */
export function resultOf(options: BenchOptions, compared: readonly Compared[]): Measured {
  const { rounds, durationMs, ratePerSecond } = options;
  return {
    kind: "telemetry",
    title: `cost of being watched, ${rounds} rounds of ${durationMs / 1000} s at ${ratePerSecond} payments/s`,
    options,
    figures: compared.flatMap(figuresOf),
    remarks: [],
    charts: [],
    details: compared.map(({ comparison, rounds }) => ({ name: comparison.name, rounds })),
  };
}

function figuresOf({ comparison: { name, sampledShare, watcher }, rounds }: Compared): Figure[] {
  const lower = (label: string, unit: string, value: (round: Round) => number): Figure =>
    figure(label, unit, "lower", rounds.map(value));
  /** Payments for each sampled one; what is not sampled at the end of a load counts as if it were. */
  const paymentsPerSampled = ({ watched }: Round): number =>
    sum(watched, ({ paymentCount }) => paymentCount) / sum(watched, ({ sampledCount }) => sampledCount);
  const addedBy = (pick: PickMs) => (round: Round) =>
    addedUs(round, pick) * (sampledShare > 0 ? sampledShare * paymentsPerSampled(round) : 1);
  const figures = [
    lower(`CPU per payment, ${name}`, "µs", ({ watched }) => perPaymentUs(watched, all)),
    lower(`CPU per payment added by ${name}`, "µs", addedBy(all)),
    lower(`… on the event loop, ${name}`, "µs", addedBy(eventLoop)),
    lower(`… on other threads, ${name}`, "µs", addedBy(others)),
  ];
  if (sampledShare > 0) {
    const perSampled = (pick: PickMs) => (round: Round) => addedUs(round, pick) * paymentsPerSampled(round);
    figures.push(
      lower(`CPU per sampled payment, ${name}`, "µs", perSampled(all)),
      lower(`… on the event loop per sampled payment, ${name}`, "µs", perSampled(eventLoop)),
      lower(`… on other threads per sampled payment, ${name}`, "µs", perSampled(others)),
    );
  }
  if (watcher !== undefined) {
    const perLookMs = (round: Round): number =>
      (addedUs(round, all) * sum(round.watched, ({ paymentCount }) => paymentCount)) /
      sum(round.watched, ({ lookCount }) => lookCount) /
      1000;
    figures.push(lower(`CPU per look, ${name}`, "ms", perLookMs));
  }
  figures.push(lower(`resident memory, ${name}`, "MB", ({ watched }) => watched.at(-1)!.residentMb));
  return figures;
}

/** Microseconds per payment that the watched instances took more than the others. */
function addedUs({ watched, unwatched }: Round, pick: PickMs): number {
  return perPaymentUs(watched, pick) - perPaymentUs(unwatched, pick);
}

function perPaymentUs(slices: readonly Slice[], pick: PickMs): number {
  return (sum(slices, pick) * 1000) / sum(slices, ({ paymentCount }) => paymentCount);
}

function sum(slices: readonly Slice[], pick: (slice: Slice) => number): number {
  return slices.reduce((total, slice) => total + pick(slice), 0);
}
