import { type HealthSnapshot, isPolledFailing, minResponseMs } from "../../core/routing/health-snapshot.ts";
import { ACCEPTED_NEW, CONFLICT, DUPLICATE, FULL } from "../../core/values/accept-result.ts";
import * as Outcome from "../../core/values/outcome.ts";
import * as State from "../../core/values/state.ts";
import { REFUSAL_DETAILS } from "../api/payment-ack.ts";
import type { Meters } from "../meters/meters.ts";
import type { ProcessorReading, Reading } from "../page/message.ts";
import type { PaymentService } from "../payments/payment-service.ts";

const EVER = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };
const US_PER_MS = 1000;

/** What the live page shows of this instance, as it stands; the totals are those that a summary would have. */
export async function takeReading(service: PaymentService, health: HealthSnapshot, meters: Meters): Promise<Reading> {
  // While the journal cannot take what happens, somebody who looks on still has to see it.
  const { totals } = (await service.summaryPart(EVER)) ?? service.partNow(EVER);
  const { ledger } = service.engine;
  const { accepts } = meters;
  const { user, system } = process.cpuUsage();
  return {
    life: performance.timeOrigin,
    atMs: performance.now(),
    refusal: service.refusal === undefined ? null : REFUSAL_DETAILS[service.refusal],
    accepted: accepts[ACCEPTED_NEW]!,
    repeated: accepts[DUPLICATE]!,
    conflicting: accepts[CONFLICT]!,
    full: accepts[FULL]!,
    latency: sparse(meters.http["/payments"].durations.counts),
    pending: ledger.countIn(State.PENDING),
    sending: ledger.countIn(State.SENDING),
    inDoubt: ledger.countIn(State.IN_DOUBT),
    failed: ledger.countIn(State.FAILED),
    kept: ledger.size,
    capacity: ledger.rows.capacity,
    cpuMs: (user + system) / US_PER_MS,
    rssBytes: process.memoryUsage.rss(),
    processors: service.engine.gates.map((_, p) => readProcessor(p, totals, service, health, meters)),
  };
}

function readProcessor(
  processor: number,
  totals: readonly number[],
  service: PaymentService,
  health: HealthSnapshot,
  meters: Meters,
): ProcessorReading {
  const attempts = meters.attempts[processor]!;
  const gate = service.engine.gates[processor]!;
  const word = health.read(processor);
  return {
    name: service.engine.processorNames[processor]!,
    count: totals[processor * 2]!,
    cents: totals[processor * 2 + 1]!,
    attempts: attempts.durations.count,
    charges: attempts.counts.reduce((sum, count, outcome) => (Outcome.isCharged(outcome) ? sum + count : sum), 0),
    isDown: gate.isDown,
    isFailing: isPolledFailing(word),
    minResponseMs: minResponseMs(word),
    expectedAnswerMs: Math.round(gate.expectedAnswerMs(service.engine.nowMs)),
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
