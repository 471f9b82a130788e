import type { Ledger } from "../ledger/ledger.ts";
import type { RecordBatch } from "../log/record.ts";
import type { RecordBatches } from "../log/record-batches.ts";
import * as Kind from "../log/record-kind.ts";
import * as FlightState from "../routing/flight-state.ts";
import type { Flights } from "../routing/flights.ts";
import * as Outcome from "../values/outcome.ts";

/** Earliest requestedAt still in flight or in doubt, or `nowMs` if there is none: totals before it are final. */
export function settledUntilMs(ledger: Ledger, flights: Flights, batches: RecordBatches, nowMs: number): number {
  let untilMs = nowMs;
  for (let flight = 0; flight < flights.highWater; flight++) {
    if (flights.state[flight] === FlightState.FREE || flights.isOrphan(flight)) continue;
    untilMs = Math.min(untilMs, ledger.rows.requestedAtMs(flights.slot[flight]!));
  }
  batches.each((batch) => {
    untilMs = Math.min(untilMs, unwrittenSinceMs(ledger, batch));
  });
  return untilMs;
}

/**
 * Earliest requestedAt whose outcome is not in the log yet: after a crash the payment would be in doubt again,
 * and could yet be charged there. Infinity if there is none.
 */
function unwrittenSinceMs(ledger: Ledger, batch: RecordBatch): number {
  let sinceMs = Number.POSITIVE_INFINITY;
  for (let record = 0; record < batch.count; record++) {
    const kind = batch.kind(record);
    const sequence = batch.sequence(record);
    if (kind < Kind.REFUSED || kind > Kind.FAILED || !ledger.isKept(sequence)) continue;
    // The payment may have been sent again since, so a refused attempt is dated by its record. So is an operator's
    // word: of a held payment, what was lost may be earlier than all that is known.
    const beganAtMs = batch.atMs(record) - batch.elapsedMs(record);
    if (kind === Kind.REFUSED || batch.outcome(record) === Outcome.SETTLED_BY_HAND)
      sinceMs = Math.min(sinceMs, beganAtMs);
    if (kind !== Kind.REFUSED) sinceMs = Math.min(sinceMs, ledger.rows.requestedAtMs(ledger.slotOf(sequence)));
  }
  return sinceMs;
}
