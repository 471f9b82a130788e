import type { Machine } from "./machine.ts";

/** One measured quantity over all rounds: what tables show and what two results are compared by. */
export type Figure = {
  /** Unique within a result, e.g. `p99 at 2000/s, ours ÷ floor`. */
  readonly name: string;
  /** `ms`, `µs`, `1/s`, `MiB`, `ratio` … */
  readonly unit: string;
  readonly better: "lower" | "higher";
  readonly rounds: readonly number[];
};

export type Axis = {
  readonly label: string;
  /**
   * `percentile`: x is a percentile from 0 to below 100, drawn as 1 ÷ (1 − p) on a log axis: 90, 99, 99.9 are equally
   * far apart.
   */
  readonly scale: "linear" | "log" | "percentile";
};

export type Series = {
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number | null])[];
};

/** A stretch of the x axis with a meaning of its own, such as a stage of the contest. */
export type Band = {
  readonly from: number;
  readonly to: number;
  readonly label: string;
};

export type Chart = {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  readonly bands?: readonly Band[];
};

export type Commit = {
  readonly hash: string;
  /** Whether the tree had changes that are not in the commit. */
  readonly isDirty: boolean;
};

/** What every measurement of this folder leaves behind, as JSON and as a page. */
export type Result = {
  /** Name of the command: `latency` for perf:latency. */
  readonly kind: string;
  /** One line for people: what was measured, and how large. */
  readonly title: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly commit: Commit | undefined;
  readonly machine: Machine;
  readonly options: unknown;
  readonly figures: readonly Figure[];
  /**
   * What a reader must know before believing the figures: rounds in which the generator was late, limits that were
   * not there …
   */
  readonly remarks: readonly string[];
  readonly charts: readonly Chart[];
  /** Whatever else was recorded. */
  readonly details?: unknown;
};

/** What a measurement itself has to tell; when, where and of which commit is the same for all of them. */
export type Measured = Omit<Result, "startedAt" | "commit" | "machine">;
