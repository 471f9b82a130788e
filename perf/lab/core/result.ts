import { figureOf, median } from "../report/figure.ts";
import { numberText } from "../report/number-text.ts";
import type { Chart, Figure, Measured } from "../report/result.ts";
import type { CoreOptions } from "./command-line.ts";
import type { CoreRound } from "./round.ts";

type TimeKey = Exclude<Extract<keyof CoreRound, `${string}Ns`>, "summaryP99Ns">;

const OPERATIONS: readonly (readonly [TimeKey, string])[] = [
  ["acceptNs", "accept"],
  ["acceptFirstTouchNs", "accept, memory never touched"],
  ["indexNs", "accept, its index alone"],
  ["acceptDuplicateNs", "accept a duplicate"],
  ["processNs", "dispatch and settle"],
  ["lookUpByCorrelationIdNs", "look up by correlationId"],
  ["lookUpByPaymentIdNs", "look up by payment id"],
  ["summaryNs", "summary of any window"],
];

const ACCEPT_NS_MAX = 1000;
const SUMMARY_NS_MAX = 50_000;
/** Times as much at the largest size as at the smallest. */
const FLAT_RATIO_MAX = 1.5;
/**
 * The smallest object has 16 bytes; what the benchmark leaves itself, around every thousand accepts, is about 1 byte
 * each.
 */
const HEAP_BYTES_PER_ACCEPT_MAX = 2;

/** `rounds` by size, ascending. */
export function coreResult(
  options: CoreOptions,
  rounds: ReadonlyMap<number, readonly CoreRound[]>,
  skipped: readonly string[],
): Measured {
  return {
    kind: "core",
    title: `the payment engine in process, at ${[...rounds.keys()].map(numberText).join(", ")} payments`,
    options,
    figures: [...rounds].flatMap(([size, measured]) => figuresOf(size, measured)),
    remarks: [...skipped, ...targetRemarks(rounds)],
    charts: [
      chartOf("Time per operation", OPERATIONS.slice(0, -1), rounds),
      chartOf("Summary of any window", OPERATIONS.slice(-1), rounds),
    ],
    details: [...rounds.values()].flat(),
  };
}

function figuresOf(size: number, rounds: readonly CoreRound[]): Figure[] {
  const at = ` at ${numberText(size)}`;
  const of = (name: string, unit: string, key: keyof CoreRound): Figure =>
    figureOf(name + at, unit, "lower", rounds, (round) => round[key]);
  return [
    ...OPERATIONS.map(([key, name]) => of(name, "ns", key)),
    of("summary of any window, p99", "ns", "summaryP99Ns"),
    of("heap allocated per accept", "B", "heapBytesPerAccept"),
    of("GC while accepting", "collections", "gcCount"),
    of("GC time while accepting", "ms", "gcMs"),
    of("buffers per payment", "B", "bufferBytesPerPayment"),
    of("rows, index and totals per payment", "B", "usedBytesPerPayment"),
    of("resident memory per payment", "B", "rssBytesPerPayment"),
  ];
}

/** What was meant, and whether it is so. */
function targetRemarks(rounds: ReadonlyMap<number, readonly CoreRound[]>): string[] {
  const sizes = [...rounds.keys()];
  const medianAt = (size: number, key: keyof CoreRound): number => median(rounds.get(size)!.map((round) => round[key]));
  const [smallest, largest] = [sizes[0]!, sizes.at(-1)!];
  const worst = (key: keyof CoreRound): number => Math.max(...sizes.map((size) => medianAt(size, key)));
  const growth = medianAt(largest, "acceptNs") / medianAt(smallest, "acceptNs");
  const tell = (isMet: boolean, target: string, found: string): string =>
    `${isMet ? "met" : "MISSED"}: ${target}; ${found}`;
  const remarks = [
    tell(
      worst("acceptNs") <= ACCEPT_NS_MAX,
      "accept in 1 µs at every size",
      `slowest ${numberText(worst("acceptNs"))} ns`,
    ),
    tell(
      worst("summaryNs") <= SUMMARY_NS_MAX,
      "summary of any window in 50 µs",
      `slowest ${numberText(worst("summaryNs"))} ns`,
    ),
    tell(
      worst("heapBytesPerAccept") <= HEAP_BYTES_PER_ACCEPT_MAX,
      "no garbage from accept",
      `at most ${numberText(worst("heapBytesPerAccept"))} B and ${numberText(worst("gcCount"))} collections`,
    ),
  ];
  if (sizes.length === 1) return remarks;
  const found = `${numberText(growth)} times as long at ${numberText(largest)} payments as at ${numberText(smallest)}`;
  return [...remarks, tell(growth <= FLAT_RATIO_MAX, `accept is flat, within ${FLAT_RATIO_MAX}`, found)];
}

function chartOf(title: string, shown: typeof OPERATIONS, rounds: ReadonlyMap<number, readonly CoreRound[]>): Chart {
  return {
    title,
    x: { label: "payments in the ledger", scale: "log" },
    y: { label: "ns", scale: "linear" },
    series: shown.map(([key, label]) => ({
      label,
      points: [...rounds].map(([size, measured]) => [size, median(measured.map((round) => round[key]))] as const),
    })),
  };
}
