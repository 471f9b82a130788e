import type { Engine } from "../../core/engine.ts";
import { type HealthSnapshot, isPolledFailing, minResponseMs } from "../../core/routing/health-snapshot.ts";
import type { ProcessorGate } from "../../core/routing/processor-gate.ts";
import type { Ways } from "../../core/routing/ways.ts";
import * as State from "../../core/values/state.ts";
import { stuckCount } from "../meters/doubt-counts.ts";
import type { Custody } from "../partition/custody.ts";
import type { Carriage, Neighbours, Standing } from "../partition/neighbours.ts";
import type { Partition } from "../partition/partition.ts";
import type { Durability } from "../settings/durability.ts";
import type { StoreStanding } from "../store/store.ts";
import { formatTimestamp } from "../text/timestamp.ts";
import { REFUSAL_DETAILS } from "./payment-ack.ts";

/** What GET /ready answers. `ready` is whether payments are accepted here; the rest is for whoever looks into it. */
export type ReadinessReport = {
  ready: boolean;
  instance: number;
  /** Why payments are refused, if they are. */
  refusal: string | null;
  durability: Durability;
  /** How it stands with the store that several hosts share; null where journals are kept on a disk. */
  store: StoreReport | null;
  /** All there are, and who has them, as far as is known here. */
  partitions: PartitionReport[];
  payments: PaymentsReport;
  /** After a start with restored data: payments that wait to be looked up, and what became of the others. */
  restored: RestoredReport | null;
  peers: { instance: number; reachable: boolean; standing: Standing }[];
  processors: {
    name: string;
    available: boolean;
    polledFailing: boolean;
    minResponseTime: number;
    inFlight: number;
    limit: number;
  }[];
};

type StoreReport = {
  /** While it is not, others may claim what is carried here, and no reads are answered. */
  leaseValid: boolean;
  members: number;
  /** Whether commits wait for a standby. */
  standbyAskedFor: boolean;
  /** Standbys that commits wait for and that keep up; null where the database does not let us see them. */
  syncStandbys: number | null;
};

/** Of a partition: nobody is known to have it while `instance` is null. */
export type PartitionReport = {
  partition: number;
  instance: number | null;
  state: Carriage["state"] | null;
  epoch: number | null;
  since: string | null;
  /** Only of those carried here: whether its log can be written. */
  writable: boolean | null;
  /** Why it is not taken over here, if that was tried. */
  problem: string | null;
};

/** Of all partitions that are carried here. */
type PaymentsReport = {
  kept: number;
  capacity: number;
  pending: number;
  sending: number;
  inDoubt: number;
  /** In doubt or held, and an operator has to settle them. */
  stuck: number;
  processed: number;
  failed: number;
};

type RestoredReport = {
  held: number;
  found: number;
  chargedTwice: number;
  released: number;
  byHand: number;
  watching: boolean;
};

export type ReadinessParts = {
  custody: Custody;
  neighbours: Neighbours;
  ways: Ways;
  health: HealthSnapshot;
  /** This instance, from 0. */
  self: number;
  durability: Durability;
};

export function readiness({ custody, neighbours, ways, health, self, durability }: ReadinessParts): ReadinessReport {
  const carried = custody.carried();
  const engines = carried.map(({ books }) => books.engine);
  const { standing } = custody;
  const refusal = custody.isLeaving ? REFUSAL_DETAILS.shutting_down : refusalOf(carried, standing);
  return {
    ready: refusal === null,
    instance: self + 1,
    refusal,
    durability,
    store: standing ? storeReport(standing) : null,
    partitions: partitionReports(custody, neighbours, self),
    payments: paymentsReport(engines),
    restored: restoredReport(engines),
    peers: neighbours.others.map((other) => {
      const standing = neighbours.standing(other);
      return { instance: other + 1, reachable: standing === "up", standing };
    }),
    processors: ways.gates.map((gate, p) => processorReport(gate, health.read(p))),
  };
}

/** An instance that carries nothing hands everything on. */
function refusalOf(carried: readonly Partition[], standing: StoreStanding | undefined): string | null {
  if (standing?.isLeaseValid === false) return "the lease cannot be renewed";
  for (const { service, books } of carried) {
    if (service.refusal !== undefined) return REFUSAL_DETAILS[service.refusal];
    if (books.engine.ledger.isFull) return "the ledger is full";
  }
  return null;
}

function storeReport(standing: StoreStanding): StoreReport {
  return {
    leaseValid: standing.isLeaseValid,
    members: standing.memberCount,
    standbyAskedFor: standing.isStandbyAskedFor,
    syncStandbys: standing.syncStandbyCount ?? null,
  };
}

function partitionReports(custody: Custody, neighbours: Neighbours, self: number): PartitionReport[] {
  const held = new Map<number, Carriage & { instance: number }>();
  for (const instance of neighbours.others) {
    for (const carriage of neighbours.bulletin(instance)?.carries ?? []) {
      if (carriage.epoch >= (held.get(carriage.partition)?.epoch ?? 0))
        held.set(carriage.partition, { ...carriage, instance });
    }
  }
  for (const carriage of custody.carriages()) held.set(carriage.partition, { ...carriage, instance: self });
  return Array.from({ length: custody.partitionCount }, (_, partition) => {
    const carriage = held.get(partition);
    const here = custody.at(partition);
    return {
      partition: partition + 1,
      instance: carriage ? carriage.instance + 1 : null,
      state: carriage?.state ?? null,
      epoch: carriage?.epoch ?? null,
      since: carriage ? formatTimestamp(carriage.sinceMs) : null,
      writable: here ? !here.books.commit.isFailing : null,
      problem: custody.problemOf(partition) ?? null,
    };
  });
}

function paymentsReport(engines: readonly Engine[]): PaymentsReport {
  const sum = (read: (engine: Engine) => number): number => engines.reduce((total, engine) => total + read(engine), 0);
  return {
    kept: sum(({ ledger }) => ledger.size),
    capacity: sum(({ ledger }) => ledger.rows.capacity),
    pending: sum(({ ledger }) => ledger.countIn(State.PENDING)),
    sending: sum(({ ledger }) => ledger.countIn(State.SENDING)),
    inDoubt: sum(({ ledger }) => ledger.countIn(State.IN_DOUBT)),
    stuck: sum((engine) => stuckCount(engine, engine.nowMs)),
    processed: sum(({ ledger }) => ledger.countIn(State.PROCESSED)),
    failed: sum(({ ledger }) => ledger.countIn(State.FAILED)),
  };
}

/** `polled`: the processor's word of the health snapshot. */
function processorReport(gate: ProcessorGate, polled: number): ReadinessReport["processors"][number] {
  return {
    name: gate.name,
    available: !gate.isDown,
    polledFailing: isPolledFailing(polled),
    minResponseTime: minResponseMs(polled),
    inFlight: gate.inFlightCount,
    limit: gate.limit,
  };
}

function restoredReport(engines: readonly Engine[]): RestoredReport | null {
  const restored = engines.filter(({ held }) => held !== undefined);
  if (restored.length === 0) return null;
  const sum = (read: (held: NonNullable<Engine["held"]>) => number): number =>
    restored.reduce((total, { held }) => total + read(held!), 0);
  return {
    held: sum((held) => held.count),
    found: sum((held) => held.foundCount),
    chargedTwice: sum((held) => held.chargedTwiceCount),
    released: sum((held) => held.releasedCount),
    byHand: sum((held) => held.byHandCount),
    watching: restored.some(({ held, nowMs }) => held!.watches(nowMs)),
  };
}
