/**
 * What an instance sends to the live page. Everything that is counted is sent as it stands since the instance's start,
 * never as a difference: the page takes the differences itself, so a message that was missed, or one that comes from
 * another instance after a reconnection, costs nothing but resolution.
 */

/** Sent once, when the page has connected. */
export type Hello = {
  type: "hello";
  /** The one that the socket is on; from 1. */
  instance: number;
  instanceCount: number;
  partitionCount: number;
  processors: readonly string[];
  /** Of the amount, per processor. */
  feeFractions: readonly number[];
  /** A processor expected to answer later is slow. */
  answerWithinMs: number;
  /** Why payments go where they go: what the counts of `routed` are of. */
  reasons: readonly string[];
  intervalMs: number;
  /** Whether the processors are simulated ones that the page may make slow or failing. */
  isSimulation: boolean;
};

/** Sent every `intervalMs`. */
export type Sample = {
  type: "sample";
  /** By instance; null for one that does not answer. */
  instances: readonly (Reading | null)[];
};

export type Message = Hello | Sample;

export type Reading = {
  /** Another one after every start: what was counted before is gone then. */
  life: number;
  /** On a clock of this life, for rates. */
  atMs: number;
  /** Why payments are refused, if they are. */
  refusal: string | null;
  /** What it has of the partitions: from 0, by the wall clock. */
  partitions: readonly PartitionReading[];
  /**
   * Payments answered since the start, by what was found: new ones, repeated ones, conflicts, and refused for want of
   * room.
   */
  accepted: number;
  repeated: number;
  conflicting: number;
  full: number;
  /** POST /payments since the start: bucket and count by turns, empty buckets left out (duration-histogram.ts). */
  latency: readonly number[];
  /** Payments by state, now. */
  pending: number;
  sending: number;
  inDoubt: number;
  failed: number;
  kept: number;
  capacity: number;
  cpuMs: number;
  rssBytes: number;
  processors: readonly ProcessorReading[];
};

export type PartitionReading = {
  partition: number;
  epoch: number;
  state: "adopting" | "carried" | "leaving";
  sinceMs: number;
};

export type ProcessorReading = {
  name: string;
  /** Payments kept that it has charged: as in GET /payments-summary. */
  count: number;
  cents: number;
  /** Attempts since the start: all that have ended, and those of them that ended in a charge. */
  attempts: number;
  charges: number;
  /** As payments find it. */
  isDown: boolean;
  /** As its health endpoint said last. */
  isFailing: boolean;
  minResponseMs: number;
  /** As polls and payments together say. */
  expectedAnswerMs: number;
  inFlight: number;
  limit: number;
  /** Payments sent there since the start, by reason. */
  routed: readonly number[];
};
