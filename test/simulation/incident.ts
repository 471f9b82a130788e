import type { DatabaseWeather, Reach } from "./virtual-database.ts";

/** How partitions are kept: as journals on a disk that all share, or by lease in a database. */
export type Mode = "journal" | "lease";

/** What is the same for a whole run. */
export type Settings = {
  mode: Mode;
  instanceCount: number;
  partitionCount: number;
  processorCount: number;
  capacity: number;
  /** Durability: acknowledged after a sync, or after the write. */
  syncs: boolean;
  segmentBytes: number;
  sliceRows: number;
  requestTimeoutMs: number;
  settleWithinMs: number;
  answerWithinMs: number;
  waitsForSlow: boolean;
  giveUpAfterMs: number;
  /** 0: payments are kept. Otherwise nothing is repeated: a payment that was evicted counts as new. */
  retainCount: number;
  maxInFlight: number;
  /** In flight or in doubt at one processor. */
  flightQuota: number;
  /** Of each processor: in flight and queued. */
  processorPlaces: number;
  processorQueue: number;
  polls: boolean;
  /** Whether reads of the disk may return less than there is. */
  readsShort: boolean;
  /** Whether replays take several turns. */
  replaysSlowly: boolean;
  linkTimeoutMs: number;
  /** Most milliseconds a turn of an instance's event loop lasts. */
  turnMsMax: number;
  /** After so long a call to the database is given up. */
  callTimeoutMs: number;
  /** Asked of the database at once, of a log or a checkpoint. */
  fetchBytes: number;
  /** By instance, how far its host's wall clock is ahead; none: they are the same. */
  wallSkewsMs: readonly number[];
  /** By instance, when it is started first; none: at once. */
  startsAfterMs: readonly number[];
  /** From here on nothing fails any more. */
  faultsEndAtMs: number;
};

/** How the network to one processor behaves: a chance for each thing that can go wrong with a request. */
export type Weather = {
  unreachable: number;
  neverConnects: number;
  lostBefore: number;
  lostAfter: number;
  resetBefore: number;
  resetAfter: number;
  garbage: number;
  /** Delivered only after the sender has given up. */
  late: number;
  /** A kept connection is closed by the processor, perhaps while the next request is on its way. */
  drops: number;
};

/** One thing that happens to the deployment from outside. Each can be left out without changing the others. */
export type Incident = { atMs: number } & (
  | { kind: "pay"; payment: number; cents: number; repeats: number; isForeign: boolean }
  | { kind: "again"; payment: number; isConflict: boolean }
  | { kind: "summary"; fromMs: number; toMs: number }
  | { kind: "purge" }
  | { kind: "kill"; instance: number; downMs: number }
  | { kind: "kill in disk operation"; instance: number; operation: number; fraction: number; downMs: number }
  | { kind: "kill all"; downMs: number }
  | { kind: "lose power"; downMs: number }
  | { kind: "leave"; instance: number; downMs: number }
  | { kind: "mute"; instance: number; forMs: number }
  | { kind: "link"; lossChance: number; lateMsMax: number; forMs: number }
  | { kind: "stop"; instance: number; forMs: number }
  | { kind: "start twice"; instance: number }
  | { kind: "sync fails"; operation: number }
  | { kind: "read fails"; operation: number }
  | { kind: "disk full"; roomBytes: number; forMs: number }
  | { kind: "wall clock"; stepMs: number }
  | {
      kind: "processor";
      processor: number;
      delayMs: number;
      failing: boolean;
      oddChance: number;
      vagueChance: number;
      forMs: number;
    }
  | { kind: "network"; processor: number; weather: Weather; forMs: number }
  | { kind: "look"; payment: number }
  | { kind: "database weather"; of: "all" | number; weather: DatabaseWeather; forMs: number }
  | { kind: "database away"; reach: Exclude<Reach, "there">; from: "all" | number; forMs: number }
  | { kind: "standby away"; forMs: number }
  | { kind: "waits cancelled" }
  | { kind: "database crash"; downMs: number }
  | { kind: "failover"; downMs: number; stale: readonly number[]; staleMs: number }
);

export type Plan = { seed: number; settings: Settings; incidents: readonly Incident[] };

/** One line for a trace. */
export function describeIncident(incident: Incident): string {
  const { kind, ...rest } = incident;
  return `${kind} ${JSON.stringify(rest)}`;
}
