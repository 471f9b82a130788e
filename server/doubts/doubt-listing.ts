import type { Engine } from "../../core/engine.ts";
import * as FlightState from "../../core/routing/flight-state.ts";
import type { Flight } from "../../core/values/number-types.ts";
import * as Outcome from "../../core/values/outcome.ts";
import { PROCESSOR_NAMES } from "../../core/values/processor.ts";
import { stuckCount } from "../meters/doubt-counts.ts";
import { paymentHead } from "../payments/payment-view.ts";
import { formatTimestamp } from "../text/timestamp.ts";

/** In one answer. */
export const LISTED_MAX = 1000;

/** A payment in doubt as it is told to operators. */
export type DoubtView = {
  id: string;
  correlationId: string;
  amount: number;
  processor: string;
  requestedAt: string;
  /** Since requestedAt. */
  ageMs: number;
  /** Times the processor was asked about it, and answered in vain while it worked. Like lastSentAt, since the start. */
  asked: number;
  answered: number;
  beingAsked: boolean;
  lastSentAt: string | null;
  lastOutcome: string;
  /** Whether an attempt may still be under way: that the processor has not charged it proves nothing then. */
  mayLand: boolean;
  stuck: boolean;
  /** Whether this instance's Settled-Until stands at its requestedAt; the deployment's is the earliest of all. */
  boundsSettledUntil: boolean;
};

/** `now` and `settledUntil` are this instance's; `total` and `stuck` count all, listed or not. */
export type DoubtListing = { now: string; settledUntil: string; total: number; stuck: number; doubts: DoubtView[] };

/** Which of the payments in doubt are shown: `limit` of them from number `offset` on, by their requestedAt. */
export type Page = { limit: number; offset: number };

/** A DoubtListing as JSON: what GET /doubts answers. */
export function doubtListing(engine: Engine, { limit, offset }: Page, nowMs: number): string {
  const { rows } = engine.ledger;
  const requestedAtMs = (flight: Flight): number => rows.requestedAtMs(engine.flights.slot[flight]!);
  const flights: number[] = [];
  engine.eachDoubt((flight) => flights.push(flight));
  flights.sort((a, b) => requestedAtMs(a) - requestedAtMs(b) || a - b);
  const settledUntilMs = engine.settledUntilMs(nowMs);
  const doubts = flights
    .slice(offset, offset + limit)
    .map((flight) => doubtView(engine, flight, nowMs, settledUntilMs));
  const head = JSON.stringify({
    now: formatTimestamp(nowMs),
    settledUntil: formatTimestamp(settledUntilMs),
    total: flights.length,
    stuck: stuckCount(engine, nowMs),
  });
  return `${head.slice(0, -1)},"doubts":[${doubts.join(",")}]}`;
}

function doubtView(engine: Engine, flight: Flight, nowMs: number, settledUntilMs: number): string {
  const { ledger, flights } = engine;
  const slot = flights.slot[flight]!;
  const requestedAtMs = ledger.rows.requestedAtMs(slot);
  const fields: Omit<DoubtView, "id" | "correlationId" | "amount"> = {
    processor: PROCESSOR_NAMES[flights.processor[flight]!]!,
    requestedAt: formatTimestamp(requestedAtMs),
    ageMs: Math.max(0, nowMs - requestedAtMs),
    asked: flights.askCount[flight]!,
    answered: flights.answerCount[flight]!,
    beingAsked: flights.state[flight] !== FlightState.DOUBT,
    lastSentAt: lastSentAt(engine, flight),
    lastOutcome: Outcome.NAMES[ledger.rows.outcome[slot]!]!,
    mayLand: ledger.rows.mayLand[slot] === 1,
    stuck: engine.isStuck(flight, nowMs),
    boundsSettledUntil: requestedAtMs === settledUntilMs,
  };
  return `{${paymentHead(engine, slot)},${JSON.stringify(fields).slice(1)}`;
}

/** When the last POST of the payment left, or null if none has since the process started. */
function lastSentAt({ flights }: Engine, flight: Flight): string | null {
  if (flights.state[flight] === FlightState.POSTING) return formatTimestamp(flights.beganAtMs[flight]!);
  if (flights.postOutcome[flight] === Outcome.NONE) return null;
  return formatTimestamp(flights.postBeganAtMs[flight]!);
}
