import { ACCEPTED_NEW, CONFLICT, DUPLICATE, FULL } from "../../core/values/accept-result.ts";
import * as State from "../../core/values/state.ts";
import { heldStuckCount } from "../meters/doubt-counts.ts";
import { REFUSALS, ROUTES } from "../meters/meters.ts";
import { type MetricsSource, sumOver } from "./metrics-source.ts";
import type { Readings, Sample } from "./readings.ts";

/** States as label values, in the order a payment goes through them. */
const STATES: readonly (readonly [string, number])[] = [
  ["pending", State.PENDING],
  ["sending", State.SENDING],
  ["in_doubt", State.IN_DOUBT],
  ["processed", State.PROCESSED],
  ["failed", State.FAILED],
];

/** What clients sent, what became of it, and what the ledger holds. */
export function registerPayments(readings: Readings, source: MetricsSource): void {
  registerAnswers(readings, source);
  registerEnds(readings, source);
  registerLedger(readings, source);
  registerRestored(readings, source);
  registerRequests(readings, source);
}

function registerAnswers(readings: Readings, { meters }: MetricsSource): void {
  readings.counter(
    "payments_accepted_total",
    "New payments answered 202 since the process started, at the instance that owns them.",
    () => meters.accepts[ACCEPTED_NEW]!,
  );
  readings.counter(
    "payments_duplicate_total",
    "Repetitions of known payments answered 200 since the process started.",
    () => meters.accepts[DUPLICATE]!,
  );
  readings.counters(
    "payments_refused_total",
    "Payments refused since the process started, by reason, at the instance that found it.",
    ["reason"],
    () => [
      { labels: { reason: "conflict" }, value: meters.accepts[CONFLICT]! },
      { labels: { reason: "ledger_full" }, value: meters.accepts[FULL]! },
      ...REFUSALS.map((reason, i) => ({ labels: { reason }, value: meters.refusals[i]! })),
    ],
  );
}

function registerEnds(readings: Readings, { ways, meters }: MetricsSource): void {
  const byProcessor = (counts: Float64Array): Sample[] =>
    ways.gates.map(({ name: processor }, p) => ({ labels: { processor }, value: counts[p]! }));
  readings.counters(
    "payments_processed_total",
    "Payments charged since the process started. A counter for rates; what was charged in all is in " +
      "rinha_ledger_processed_payments.",
    ["processor"],
    () => byProcessor(meters.processed),
  );
  readings.counters(
    "payments_failed_total",
    "Payments that failed for good since the process started; processor is none when they were given up while pending.",
    ["processor"],
    () => [...byProcessor(meters.failed), { labels: { processor: "none" }, value: meters.gaveUpCount }],
  );
}

/** Gauges, not counters: the ledger survives a restart, and a purge or retention takes payments out of it. */
function registerLedger(readings: Readings, { custody }: MetricsSource): void {
  readings.gauges("ledger_payments", "Payments in the ledgers carried here by state.", ["state"], () =>
    STATES.map(([state, code]) => ({
      labels: { state },
      value: sumOver(custody, ({ engine }) => engine.ledger.countIn(code)),
    })),
  );
  readings.gauge("ledger_capacity_payments", "Payments the ledgers carried here have room for.", () =>
    sumOver(custody, ({ engine }) => engine.ledger.rows.capacity),
  );
  readings.gauge(
    "unsettled_age_seconds",
    "Age of the oldest attempt that is in flight or in doubt; 0 if there is none. Summaries before it are final.",
    () =>
      custody.carried().reduce((oldestS, { books: { clock, engine } }) => {
        const nowMs = clock.nowMs();
        return Math.max(oldestS, (nowMs - engine.settledUntilMs(nowMs)) / 1000);
      }, 0),
  );
}

/** Zeros unless the instance was started with restored data. */
function registerRestored(readings: Readings, { custody, ways }: MetricsSource): void {
  readings.gauge(
    "restored_held_payments",
    "Payments of restored data that wait until every processor was asked about them.",
    () => sumOver(custody, ({ engine }) => engine.held?.count ?? 0),
  );
  readings.gauge(
    "restored_held_stuck",
    "Payments of restored data held for more than five minutes: an operator has to settle them.",
    () => sumOver(custody, ({ engine, clock }) => heldStuckCount(engine, clock.nowMs())),
  );
  readings.counters(
    "restored_found_total",
    "Payments found charged after a start with restored data, by the processor they are counted at.",
    ["processor"],
    () =>
      ways.gates.map(({ name: processor }, p) => ({
        labels: { processor },
        value: sumOver(custody, ({ engine }) => engine.held?.foundCounts[p] ?? 0),
      })),
  );
  readings.counter("restored_released_total", "Payments found charged nowhere after a start with restored data.", () =>
    sumOver(custody, ({ engine }) => engine.held?.releasedCount ?? 0),
  );
  readings.counter(
    "restored_charged_twice_total",
    "Payments found charged at two processors after a start with restored data.",
    () => sumOver(custody, ({ engine }) => engine.held?.chargedTwiceCount ?? 0),
  );
}

function registerRequests(readings: Readings, { meters }: MetricsSource): void {
  readings.counters("http_requests_total", "Requests answered, by route and status.", ["route", "status"], () =>
    ROUTES.flatMap((route) => {
      const samples: Sample[] = [];
      meters.http[route].eachStatus((status, value) => samples.push({ labels: { route, status }, value }));
      return samples;
    }),
  );
  readings.durations(
    "http_request_duration_seconds",
    "From the head of a request to the last byte of its answer handed over, by route.",
    ["route"],
    ROUTES.map((route) => [{ route }, meters.http[route].durations]),
  );
}
