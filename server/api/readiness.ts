import type { Engine } from "../../core/engine.ts";
import { type HealthSnapshot, isPolledFailing, minResponseMs } from "../../core/routing/health-snapshot.ts";
import type { ProcessorGate } from "../../core/routing/processor-gate.ts";
import * as State from "../../core/values/state.ts";
import type { Peers } from "../link/peers.ts";
import { stuckCount } from "../meters/doubt-counts.ts";
import type { Durability } from "../settings/durability.ts";

/** What GET /ready answers. `ready` is whether payments are accepted here; the rest is for whoever looks into it. */
export type ReadinessReport = {
  ready: boolean;
  instance: number;
  /** Why payments are refused, if they are. */
  refusal: string | null;
  journal: { durability: Durability; writable: boolean };
  payments: {
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
  /** After a start with restored data: payments that wait to be looked up, and what became of the others. */
  restored: {
    held: number;
    found: number;
    chargedTwice: number;
    released: number;
    byHand: number;
    watching: boolean;
  } | null;
  peers: { instance: number; reachable: boolean }[];
  processors: {
    name: string;
    available: boolean;
    polledFailing: boolean;
    minResponseTime: number;
    inFlight: number;
    limit: number;
  }[];
};

export async function readiness(
  engine: Engine,
  health: HealthSnapshot,
  peers: Peers,
  instance: number,
  journal: ReadinessReport["journal"],
  refusal: string | undefined,
): Promise<ReadinessReport> {
  const reason = refusal ?? (engine.ledger.isFull ? "the ledger is full" : null);
  return {
    ready: reason === null,
    instance: instance + 1,
    refusal: reason,
    journal,
    payments: paymentsReport(engine),
    restored: restoredReport(engine),
    peers: await peers.reachable(),
    processors: engine.processorNames.map((name, p) => processorReport(name, engine.gates[p]!, health.read(p))),
  };
}

function paymentsReport(engine: Engine): ReadinessReport["payments"] {
  const { ledger } = engine;
  return {
    kept: ledger.size,
    capacity: ledger.rows.capacity,
    pending: ledger.countIn(State.PENDING),
    sending: ledger.countIn(State.SENDING),
    inDoubt: ledger.countIn(State.IN_DOUBT),
    stuck: stuckCount(engine, engine.nowMs),
    processed: ledger.countIn(State.PROCESSED),
    failed: ledger.countIn(State.FAILED),
  };
}

/** `polled`: the processor's word of the health snapshot. */
function processorReport(name: string, gate: ProcessorGate, polled: number): ReadinessReport["processors"][number] {
  return {
    name,
    available: !gate.isDown,
    polledFailing: isPolledFailing(polled),
    minResponseTime: minResponseMs(polled),
    inFlight: gate.inFlightCount,
    limit: gate.limit,
  };
}

function restoredReport({ held, nowMs }: Engine): ReadinessReport["restored"] {
  if (held === undefined) return null;
  return {
    held: held.count,
    found: held.foundCount,
    chargedTwice: held.chargedTwiceCount,
    released: held.releasedCount,
    byHand: held.byHandCount,
    watching: held.watches(nowMs),
  };
}
