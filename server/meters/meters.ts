import { HAND_WORDS } from "../../core/settling/settlement.ts";
import type { OutcomeCode } from "../../core/values/number-types.ts";
import * as Outcome from "../../core/values/outcome.ts";
import * as Reason from "../../core/values/reason.ts";
import { DurationHistogram } from "./duration-histogram.ts";

/** What requests are counted under: the route, never the path, of which there is no end. */
export const ROUTES = [
  "/payments",
  "/payments/:id",
  "/payments-summary",
  "/purge-payments",
  "/health",
  "/ready",
  "other",
] as const;
export type Route = (typeof ROUTES)[number];

const STATUS_END = 600;

/** Requests to one route: how many were answered how, and how long that took. */
export class RouteMeters {
  readonly durations = new DurationHistogram();
  readonly #answers = new Float64Array(STATUS_END);

  /** From the request's head to the last byte of its answer handed over. Hot. */
  answered(status: number, durationMs: number): void {
    this.#answers[status]!++;
    this.durations.record(durationMs);
  }

  /** Calls back for every status answered so far. */
  eachStatus(onStatus: (status: number, count: number) => void): void {
    for (const [status, count] of this.#answers.entries()) if (count > 0) onStatus(status, count);
  }
}

/** Attempts at one processor. */
export class AttemptMeters {
  /** By outcome. */
  readonly counts = new Float64Array(Outcome.NAMES.length);
  readonly durations = new DurationHistogram();

  /** Hot. */
  ended(outcome: OutcomeCode, durationMs: number): void {
    this.counts[outcome]!++;
    this.durations.record(durationMs);
  }
}

/** Writes to the journal. */
export class JournalMeters {
  readonly durations = new DurationHistogram();
  /** Of every fdatasync. */
  readonly syncs = new DurationHistogram();
  recordCount = 0;
  byteCount = 0;
  failedCount = 0;
  /** Segments that could not be begun, and checkpoints that could not be written, each try. */
  segmentFailedCount = 0;
  checkpointFailedCount = 0;

  /** Hot. */
  wrote(records: number, bytes: number, durationMs: number): void {
    this.recordCount += records;
    this.byteCount += bytes;
    this.durations.record(durationMs);
  }
}

/** Why a payment was not taken, beyond what the engine itself says (conflict, full). */
export const REFUSALS = [
  "invalid_body",
  "invalid_correlation_id",
  "invalid_amount",
  "too_large",
  "foreign_page",
  "shutting_down",
  "journal_failing",
  "partition_unreachable",
  "process_stopped",
  "overloaded",
] as const;
export type Refusal = (typeof REFUSALS)[number];

/**
 * All that is counted while payments go through: plain numbers in preallocated arrays, so that counting costs
 * nanoseconds whether or not somebody looks. Counts only grow, until the process ends; what is as it is now (pending,
 * in doubt …) is read from the engine.
 */
export class Meters {
  /** By route, requests to the public listener. */
  readonly http = Object.fromEntries(ROUTES.map((route) => [route, new RouteMeters()])) as Record<Route, RouteMeters>;
  /** By processor. */
  readonly attempts: readonly AttemptMeters[];
  readonly journal = new JournalMeters();
  /** Payments answered, by AcceptResult: new, duplicate, conflict, full. */
  readonly accepts = new Float64Array(4);
  /** Payments refused, in the order of REFUSALS. */
  readonly refusals = new Float64Array(REFUSALS.length);
  /** Payments charged, by processor. */
  readonly processed: Float64Array;
  /** Payments that failed at a processor, by processor. */
  readonly failed: Float64Array;
  /** Payments sent for the first time or again after a refusal: by processor, by reason (reason.ts). */
  readonly routed: readonly Float64Array[];
  /** Payments that failed while they were pending. */
  gaveUpCount = 0;
  /** Times that somebody set the wall clock by more than a second. */
  clockStepCount = 0;
  /** Payments in doubt that an operator settled, by HAND_WORDS. */
  readonly settledByHand = new Float64Array(HAND_WORDS.length);
  readonly eventLoopDelay = new DurationHistogram();

  constructor(processorCount: number) {
    const processors = Array.from({ length: processorCount });
    this.attempts = processors.map(() => new AttemptMeters());
    this.processed = new Float64Array(processorCount);
    this.failed = new Float64Array(processorCount);
    this.routed = processors.map(() => new Float64Array(Reason.NAMES.length));
  }

  refused(reason: Refusal): void {
    this.refusals[REFUSALS.indexOf(reason)]!++;
  }
}
