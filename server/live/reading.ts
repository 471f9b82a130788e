import type { Engine } from "../../core/engine.ts";
import { makeTotals } from "../../core/ledger/window-totals.ts";
import { type HealthSnapshot, isPolledFailing, minResponseMs } from "../../core/routing/health-snapshot.ts";
import type { ProcessorGate } from "../../core/routing/processor-gate.ts";
import type { Ways } from "../../core/routing/ways.ts";
import { ACCEPTED_NEW, CONFLICT, DUPLICATE, FULL } from "../../core/values/accept-result.ts";
import * as Outcome from "../../core/values/outcome.ts";
import * as State from "../../core/values/state.ts";
import { REFUSAL_DETAILS } from "../api/payment-ack.ts";
import type { Meters } from "../meters/meters.ts";
import type { ProcessorReading, Reading } from "../page/message.ts";
import type { Custody } from "../partition/custody.ts";
import type { Partition } from "../partition/partition.ts";

const EVER = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };
const US_PER_MS = 1000;

/** What the live page shows of this instance, as it stands; the totals are those that a summary would have. */
export async function takeReading(
  custody: Custody,
  ways: Ways,
  health: HealthSnapshot,
  meters: Meters,
): Promise<Reading> {
  const carried = custody.carried();
  const totals = makeTotals(ways.gates.length);
  for (const part of await Promise.all(carried.map(totalsOf))) {
    for (let i = 0; i < totals.length; i++) totals[i]! += part[i]!;
  }
  const engines = carried.map(({ books }) => books.engine);
  const sum = (read: (engine: Engine) => number): number => engines.reduce((all, engine) => all + read(engine), 0);
  const { accepts } = meters;
  const { user, system } = process.cpuUsage();
  return {
    life: performance.timeOrigin,
    atMs: performance.now(),
    refusal: refusalOf(custody, carried),
    partitions: custody.carriages(),
    accepted: accepts[ACCEPTED_NEW]!,
    repeated: accepts[DUPLICATE]!,
    conflicting: accepts[CONFLICT]!,
    full: accepts[FULL]!,
    latency: sparse(meters.http["/payments"].durations.counts),
    pending: sum(({ ledger }) => ledger.countIn(State.PENDING)),
    sending: sum(({ ledger }) => ledger.countIn(State.SENDING)),
    inDoubt: sum(({ ledger }) => ledger.countIn(State.IN_DOUBT)),
    failed: sum(({ ledger }) => ledger.countIn(State.FAILED)),
    kept: sum(({ ledger }) => ledger.size),
    capacity: sum(({ ledger }) => ledger.rows.capacity),
    cpuMs: (user + system) / US_PER_MS,
    rssBytes: process.memoryUsage.rss(),
    processors: ways.gates.map((gate, p) => readProcessor(gate, p, totals, health, meters)),
  };
}

/** While the log cannot take what happens, somebody who looks on still has to see it. */
async function totalsOf({ service }: Partition): Promise<readonly number[]> {
  return ((await service.summaryPart(EVER)) ?? service.partNow(EVER)).totals;
}

function refusalOf(custody: Custody, carried: readonly Partition[]): string | null {
  if (custody.isLeaving) return REFUSAL_DETAILS.shutting_down;
  const refusal = carried.map(({ service }) => service.refusal).find((reason) => reason !== undefined);
  return refusal === undefined ? null : REFUSAL_DETAILS[refusal];
}

function readProcessor(
  gate: ProcessorGate,
  processor: number,
  totals: Float64Array,
  health: HealthSnapshot,
  meters: Meters,
): ProcessorReading {
  const attempts = meters.attempts[processor]!;
  const word = health.read(processor);
  return {
    name: gate.name,
    count: totals[processor * 2]!,
    cents: totals[processor * 2 + 1]!,
    attempts: attempts.durations.count,
    charges: attempts.counts.reduce((sum, count, outcome) => (Outcome.isCharged(outcome) ? sum + count : sum), 0),
    isDown: gate.isDown,
    isFailing: isPolledFailing(word),
    minResponseMs: minResponseMs(word),
    expectedAnswerMs: Math.round(gate.expectedAnswerNowMs),
    inFlight: gate.inFlightCount,
    limit: gate.limit,
    routed: Array.from(meters.routed[processor]!),
  };
}

/** Index and value by turns, without the zeros: most buckets are never used. */
export function sparse(counts: Float64Array): number[] {
  const pairs: number[] = [];
  for (const [index, count] of counts.entries()) if (count !== 0) pairs.push(index, count);
  return pairs;
}
