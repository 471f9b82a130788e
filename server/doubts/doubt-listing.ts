import type { Engine } from "../../core/engine.ts";
import type { HeldPayments } from "../../core/restored/held-payments.ts";
import * as FlightState from "../../core/routing/flight-state.ts";
import type { Flight, Slot } from "../../core/values/number-types.ts";
import * as Outcome from "../../core/values/outcome.ts";
import { stuckCount } from "../meters/doubt-counts.ts";
import { paymentHead } from "../payments/payment-view.ts";
import { formatTimestamp } from "../text/timestamp.ts";
import { boundTo } from "./bound-to.ts";

/** In one answer. */
export const LISTED_MAX = 1000;

/** A payment in doubt, or held, as it is told to operators. */
export type DoubtView = {
  id: string;
  correlationId: string;
  amount: number;
  /** Null for one that is held and was sent nowhere, as far as is known. */
  processor: string | null;
  requestedAt: string | null;
  /** Whether it waits for every processor to be asked about it, after a start with restored data. */
  held: boolean;
  /** Since requestedAt, or since it is held. */
  ageMs: number;
  /**
   * Times the processor was asked about it, and answered in vain while it worked. Like lastSentAt, since the start; of
   * one that is held, not known.
   */
  asked: number | null;
  answered: number | null;
  beingAsked: boolean;
  lastSentAt: string | null;
  lastOutcome: string;
  /** Whether an attempt may still be under way: that the processor has not charged it proves nothing then. */
  mayLand: boolean;
  stuck: boolean;
  /** Whether it keeps this instance's Settled-Until where it stands; the deployment's is the earliest of all. */
  boundsSettledUntil: boolean;
};

/** `now` and `settledUntil` are this instance's; `total`, `held` (of these) and `stuck` count all, listed or not. */
export type DoubtListing = {
  now: string;
  settledUntil: string;
  total: number;
  held: number;
  stuck: number;
  doubts: DoubtView[];
};

/**
 * Which of the payments are shown: `limit` of them from number `offset` on, those in doubt by their requestedAt, and
 * then those held by their acceptance.
 */
export type Page = { limit: number; offset: number };

type Fields = Omit<DoubtView, "id" | "correlationId" | "amount">;

/** An engine, and what time it is there. */
export type EngineNow = { engine: Engine; nowMs: number };

/** A DoubtListing of all these engines as JSON: what GET /doubts answers. */
export function doubtListing(engines: readonly EngineNow[], { limit, offset }: Page): string {
  const bounds = new Map(engines.map(({ engine, nowMs }) => [engine, engine.settledUntilMs(nowMs)]));
  const flights = flightsByTime(engines);
  const heldCount = sum(engines, ({ engine }) => engine.held?.count ?? 0);
  const doubts = flights.slice(offset, offset + limit).map(({ engine, nowMs, flight }) => {
    const fields = fieldsOfDoubt(engine, flight, nowMs, bounds.get(engine)!);
    return viewOf(engine, engine.flights.slot[flight]!, fields);
  });
  let passedOver = Math.max(0, offset - flights.length);
  for (const { engine, nowMs } of engines) {
    const { held } = engine;
    if (held === undefined) continue;
    for (const slot of held.page(passedOver, limit - doubts.length))
      doubts.push(viewOf(engine, slot, fieldsOfHeld(engine, held, slot, nowMs, bounds.get(engine)!)));
    passedOver = Math.max(0, passedOver - held.count);
  }
  const nowMs = Math.max(0, ...engines.map((own) => own.nowMs));
  const head = JSON.stringify({
    now: formatTimestamp(nowMs),
    settledUntil: formatTimestamp(Math.min(...bounds.values(), nowMs)),
    total: flights.length + heldCount,
    held: heldCount,
    stuck: sum(engines, (own) => stuckCount(own.engine, own.nowMs)),
  });
  return `${head.slice(0, -1)},"doubts":[${doubts.join(",")}]}`;
}

function flightsByTime(engines: readonly EngineNow[]): (EngineNow & { flight: Flight; requestedAtMs: number })[] {
  const flights = engines.flatMap((own) => {
    const { flights: table, ledger, openDoubts } = own.engine;
    const ofOne: (EngineNow & { flight: Flight; requestedAtMs: number })[] = [];
    openDoubts.each((flight) =>
      ofOne.push({ ...own, flight, requestedAtMs: ledger.rows.requestedAtMs(table.slot[flight]!) }),
    );
    return ofOne;
  });
  return flights.sort((a, b) => a.requestedAtMs - b.requestedAtMs || a.flight - b.flight);
}

function sum(engines: readonly EngineNow[], read: (own: EngineNow) => number): number {
  return engines.reduce((total, own) => total + read(own), 0);
}

function viewOf(engine: Engine, slot: Slot, fields: Fields): string {
  return `{${paymentHead(engine, slot)},${JSON.stringify(fields).slice(1)}`;
}

function fieldsOfDoubt(engine: Engine, flight: Flight, nowMs: number, settledUntilMs: number): Fields {
  const { ledger, flights, openDoubts } = engine;
  const slot = flights.slot[flight]!;
  const requestedAtMs = ledger.rows.requestedAtMs(slot);
  return {
    processor: engine.processorNames[flights.processor[flight]!]!,
    requestedAt: formatTimestamp(requestedAtMs),
    held: false,
    ageMs: Math.max(0, nowMs - requestedAtMs),
    asked: flights.askCount[flight]!,
    answered: flights.answerCount[flight]!,
    beingAsked: flights.state[flight] !== FlightState.DOUBT,
    lastSentAt: lastSentAt(engine, flight),
    lastOutcome: Outcome.NAMES[ledger.rows.outcome[slot]!]!,
    mayLand: ledger.rows.mayLand[slot] === 1,
    stuck: openDoubts.isStuck(flight, nowMs),
    boundsSettledUntil: requestedAtMs === settledUntilMs,
  };
}

function fieldsOfHeld(
  { ledger, processorNames }: Engine,
  held: HeldPayments,
  slot: Slot,
  nowMs: number,
  settledUntilMs: number,
): Fields {
  const { rows } = ledger;
  const bound = boundTo(ledger, slot);
  const { graceUntilMs, lostFromMs } = held.options;
  return {
    processor: bound ? processorNames[bound.processor]! : null,
    requestedAt: bound ? formatTimestamp(bound.requestedAtMs) : null,
    held: true,
    ageMs: Math.max(0, nowMs - held.heldSinceMs(slot)),
    asked: null,
    answered: null,
    beingAsked: held.isBeingAsked(slot),
    lastSentAt: null,
    lastOutcome: Outcome.NAMES[rows.outcome[slot]!]!,
    mayLand: nowMs < graceUntilMs || rows.mayLand[slot] === 1,
    stuck: held.isStuck(slot, nowMs),
    boundsSettledUntil: Math.min(rows.acceptedAtMs[slot]!, lostFromMs) === settledUntilMs,
  };
}

/** When the last POST of the payment left, or null if none has since the process started. */
function lastSentAt({ flights }: Engine, flight: Flight): string | null {
  if (flights.state[flight] === FlightState.POSTING) return formatTimestamp(flights.beganAtMs[flight]!);
  if (flights.postOutcome[flight] === Outcome.NONE) return null;
  return formatTimestamp(flights.postBeganAtMs[flight]!);
}
