import { percentileMs } from "../meters/duration-histogram.ts";
import type { PartitionReading, ProcessorReading, Reading, Sample } from "./message.ts";

/** Five minutes of samples, and what is older is dropped. */
export const HISTORY_LENGTH = 300;
/** Longer than this between two samples is a gap: nobody was looking, and nothing is drawn. */
const GAP_INTERVALS = 2.5;
/** A shorter part of an interval than this says little. */
const SHARE_MIN = 0.5;

/** What happened between two samples, at one instance or at several together. Rates are per second. */
export type Flow = {
  acceptedPerS: number;
  chargesPerS: number[];
  /** Answers to POST /payments: counts by bucket. */
  latency: Float64Array;
  p50Ms: number | undefined;
  p99Ms: number | undefined;
  /** Of one CPU. */
  cpuFraction: number;
};

export type ProcessorState = "up" | "full" | "slow" | "failing" | "down";
export type ProcessorNow = {
  state: ProcessorState;
  minResponseMs: number;
  expectedAnswerMs: number;
  inFlight: number;
  limit: number;
  /** Payments sent there since the start, by reason. */
  routed: readonly number[];
};

/** How things stand at a sample. */
export type Standing = {
  accepted: number;
  pending: number;
  sending: number;
  inDoubt: number;
  failed: number;
  rssBytes: number;
  processed: { count: number; cents: number }[];
  processors: ProcessorNow[];
  /** What the instances looked at have of the partitions. */
  partitions: readonly PartitionReading[];
  /** How many of the instances looked at did answer. */
  answeringCount: number;
};

/** One view (an instance, or all together) at one sample; `flow` is missing where there is nothing to compare with. */
export type Point = { standing: Standing; flow: Flow | undefined };

/**
 * `views[0]` is all instances together, `views[n]` is instance n; null for one that did not answer. A gap has no views
 * at all.
 */
export type Tick = { atS: number; views: (Point | null)[] };

/** The samples of the last minutes, oldest first, as differences. */
export class History {
  readonly #intervalMs: number;
  readonly #answerWithinMs: number;
  readonly ticks: Tick[] = [];
  #lastAtMs = Number.NEGATIVE_INFINITY;
  #before: readonly (Reading | null)[] = [];

  /** `answerWithinMs`: a processor expected to answer later is slow. */
  constructor(intervalMs: number, answerWithinMs: number = Number.POSITIVE_INFINITY) {
    this.#intervalMs = intervalMs;
    this.#answerWithinMs = answerWithinMs;
  }

  get latest(): Tick | undefined {
    return this.ticks.at(-1);
  }

  /**
   * `atMs`: when the sample came, since the epoch, on a clock that does not jump. One that comes right after another
   * (somebody else has just opened the page, say) is left out: what it counts is in the next one.
   */
  add(sample: Sample, atMs: number): void {
    const sinceLastMs = atMs - this.#lastAtMs;
    if (sinceLastMs < SHARE_MIN * this.#intervalMs) return;
    const hasGap = sinceLastMs > GAP_INTERVALS * this.#intervalMs;
    if (hasGap && this.ticks.length > 0) this.#push({ atS: (this.#lastAtMs + this.#intervalMs) / 1000, views: [] });
    const points = sample.instances.map((reading, i) =>
      reading === null ? null : pointOf(reading, hasGap ? null : (this.#before[i] ?? null), this.#answerWithinMs),
    );
    this.#push({ atS: atMs / 1000, views: [together(points), ...points] });
    this.#lastAtMs = atMs;
    // An instance that did not answer is compared with what it said last, unless it was started anew meanwhile.
    this.#before = sample.instances.map((reading, i) => reading ?? (hasGap ? null : (this.#before[i] ?? null)));
  }

  #push(tick: Tick): void {
    this.ticks.push(tick);
    if (this.ticks.length > HISTORY_LENGTH) this.ticks.shift();
  }
}

function pointOf(reading: Reading, before: Reading | null, answerWithinMs: number): Point {
  const { accepted, pending, sending, inDoubt, failed, rssBytes } = reading;
  const standing: Standing = {
    accepted,
    pending,
    sending,
    inDoubt,
    failed,
    rssBytes,
    processed: reading.processors.map(({ count, cents }) => ({ count, cents })),
    processors: reading.processors.map((now) => ({
      state: stateOf(now, answerWithinMs),
      minResponseMs: now.minResponseMs,
      expectedAnswerMs: now.expectedAnswerMs,
      inFlight: now.inFlight,
      limit: now.limit,
      routed: now.routed,
    })),
    partitions: reading.partitions,
    answeringCount: 1,
  };
  return { standing, flow: before === null ? undefined : flowOf(reading, before) };
}

function stateOf(now: ProcessorReading, answerWithinMs: number): ProcessorState {
  if (now.isDown) return "down";
  if (now.isFailing) return "failing";
  if (now.expectedAnswerMs > answerWithinMs) return "slow";
  return now.inFlight >= now.limit ? "full" : "up";
}

/** A new life counts from zero, since its own beginning. */
function flowOf(now: Reading, before: Reading): Flow | undefined {
  const base = now.life === before.life ? before : undefined;
  const elapsedS = (now.atMs - (base?.atMs ?? 0)) / 1000;
  if (!(elapsedS > 0)) return undefined;
  const perS = (count: number, countBefore: number | undefined) => (count - (countBefore ?? 0)) / elapsedS;
  return withPercentiles({
    acceptedPerS: perS(now.accepted, base?.accepted),
    chargesPerS: now.processors.map(({ charges }, p) => perS(charges, base?.processors[p]?.charges)),
    latency: difference(now.latency, base?.latency ?? []),
    cpuFraction: perS(now.cpuMs, base?.cpuMs) / 1000,
  });
}

function withPercentiles(flow: Omit<Flow, "p50Ms" | "p99Ms">): Flow {
  return { ...flow, p50Ms: percentileMs(flow.latency, 50), p99Ms: percentileMs(flow.latency, 99) };
}

/** Of two sparse histograms (bucket and count by turns), the earlier one from the later one. */
export function difference(later: readonly number[], earlier: readonly number[]): Float64Array {
  const counts = new Float64Array((later.at(-2) ?? -1) + 1);
  for (let i = 0; i < later.length; i += 2) counts[later[i]!] = later[i + 1]!;
  for (let i = 0; i < earlier.length; i += 2) counts[earlier[i]!]! -= earlier[i + 1]!;
  return counts;
}

/** Histograms are added bucket by bucket: percentiles of parts say nothing about the whole. */
export function sum(histograms: readonly Float64Array[]): Float64Array {
  const counts = new Float64Array(Math.max(0, ...histograms.map(({ length }) => length)));
  for (const histogram of histograms) for (const [bucket, count] of histogram.entries()) counts[bucket]! += count;
  return counts;
}

const WORST_FIRST: readonly ProcessorState[] = ["down", "failing", "slow", "full", "up"];

function together(points: readonly (Point | null)[]): Point | null {
  const present = points.filter((point) => point !== null);
  const first = present[0];
  if (first === undefined) return null;
  const standings = present.map(({ standing }) => standing);
  const flows = present.flatMap(({ flow }) => flow ?? []);
  const total = (of: (standing: Standing) => number) => standings.reduce((so, standing) => so + of(standing), 0);
  const standing: Standing = {
    accepted: total(({ accepted }) => accepted),
    pending: total(({ pending }) => pending),
    sending: total(({ sending }) => sending),
    inDoubt: total(({ inDoubt }) => inDoubt),
    failed: total(({ failed }) => failed),
    rssBytes: total(({ rssBytes }) => rssBytes),
    processed: first.standing.processed.map((_, p) => ({
      count: total(({ processed }) => processed[p]!.count),
      cents: total(({ processed }) => processed[p]!.cents),
    })),
    processors: first.standing.processors.map((_, p) => ({
      state: WORST_FIRST.find((state) => standings.some(({ processors }) => processors[p]!.state === state))!,
      minResponseMs: Math.max(...standings.map(({ processors }) => processors[p]!.minResponseMs)),
      expectedAnswerMs: Math.max(...standings.map(({ processors }) => processors[p]!.expectedAnswerMs)),
      inFlight: total(({ processors }) => processors[p]!.inFlight),
      limit: total(({ processors }) => processors[p]!.limit),
      routed: first.standing.processors[p]!.routed.map((_, reason) =>
        total(({ processors }) => processors[p]!.routed[reason]!),
      ),
    })),
    partitions: standings.flatMap(({ partitions }) => partitions),
    answeringCount: present.length,
  };
  return { standing, flow: flows.length === 0 ? undefined : flowTogether(flows) };
}

function flowTogether(flows: readonly Flow[]): Flow {
  const total = (of: (flow: Flow) => number) => flows.reduce((so, flow) => so + of(flow), 0);
  return withPercentiles({
    acceptedPerS: total(({ acceptedPerS }) => acceptedPerS),
    chargesPerS: flows[0]!.chargesPerS.map((_, p) => total(({ chargesPerS }) => chargesPerS[p]!)),
    latency: sum(flows.map(({ latency }) => latency)),
    cpuFraction: total(({ cpuFraction }) => cpuFraction),
  });
}
