import { makeTotals } from "../../core/ledger/window-totals.ts";
import { isPolledFailing, minResponseMs } from "../../core/routing/health-snapshot.ts";
import * as Outcome from "../../core/values/outcome.ts";
import * as Reason from "../../core/values/reason.ts";
import { feeCents } from "../text/fee.ts";
import type { MetricsSource } from "./metrics-source.ts";
import type { Readings, Sample } from "./readings.ts";

/** The processors as this instance meets them, and the money that went through them. */
export function registerProcessors(readings: Readings, source: MetricsSource): void {
  registerAttempts(readings, source);
  registerState(readings, source);
  registerMoney(readings, source);
}

function registerAttempts(readings: Readings, { ways, meters }: MetricsSource): void {
  const names = ways.gates.map(({ name }) => name);
  readings.counters(
    "attempts_total",
    "Requests to a processor that have ended, lookups of payments in doubt included, by outcome.",
    ["processor", "outcome"],
    () => {
      const samples: Sample[] = [];
      for (const [p, processor] of names.entries()) {
        for (const [outcome, name] of Outcome.NAMES.entries()) {
          const value = meters.attempts[p]!.counts[outcome]!;
          if (outcome === Outcome.NONE || value === 0) continue;
          samples.push({ labels: { processor, outcome: name.replaceAll(" ", "_") }, value });
        }
      }
      return samples;
    },
  );
  readings.counters(
    "routed_payments_total",
    "Payments sent for the first time, or again after a refusal, by processor and by why they went there.",
    ["processor", "reason"],
    () =>
      names.flatMap((processor, p) =>
        Reason.NAMES.slice(1).map((reason, i) => {
          const labels = { processor, reason: reason.replaceAll(" ", "_") };
          return { labels, value: meters.routed[p]![i + 1]! };
        }),
      ),
  );
  readings.durations(
    "attempt_duration_seconds",
    "From handing a request to the HTTP client to the end of the processor's answer, or to giving up on it.",
    ["processor"],
    names.map((processor, p) => [{ processor }, meters.attempts[p]!.durations]),
  );
}

function registerState(readings: Readings, { ways: { gates }, health }: MetricsSource): void {
  const each = (read: (p: number) => number) => (): Sample[] =>
    gates.map(({ name: processor }, p) => ({ labels: { processor }, value: read(p) }));
  const gauges = (name: string, help: string, read: (p: number) => number): void =>
    readings.gauges(name, help, ["processor"], each(read));
  gauges("processor_up", "Whether payments are sent to the processor: 1, or 0 while it is probed only.", (p) =>
    gates[p]!.isDown ? 0 : 1,
  );
  gauges("processor_polled_failing", "Whether the processor's health endpoint last said that it is failing.", (p) =>
    isPolledFailing(health.read(p)) ? 1 : 0,
  );
  gauges(
    "processor_min_response_seconds",
    "Minimum response time as the processor's health endpoint last said.",
    (p) => minResponseMs(health.read(p)) / 1000,
  );
  gauges(
    "processor_expected_answer_seconds",
    "How long an answer of the processor is expected to take, by polls and by what payments experience.",
    (p) => gates[p]!.expectedAnswerNowMs / 1000,
  );
  gauges("processor_in_flight_requests", "Requests to the processor without an answer so far.", (p) =>
    Math.max(0, gates[p]!.inFlightCount),
  );
  gauges(
    "processor_in_flight_limit",
    "Requests that may be in flight to the processor at the moment.",
    (p) => gates[p]!.limit,
  );
}

/** From the ledger's totals, so gauges: they survive a restart and shrink with a purge. */
function registerMoney(readings: Readings, { custody, ways, processors }: MetricsSource): void {
  const totals = makeTotals(ways.gates.length);
  const part = makeTotals(ways.gates.length);
  const gauges = (name: string, help: string, read: (count: number, cents: number, p: number) => number): void =>
    readings.gauges(name, help, ["processor"], () => {
      totals.fill(0);
      for (const { books } of custody.carried()) {
        books.engine.ledger.sum(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, part);
        for (let i = 0; i < totals.length; i++) totals[i]! += part[i]!;
      }
      return ways.gates.map(({ name: processor }, p) => ({
        labels: { processor },
        value: read(totals[p * 2]!, totals[p * 2 + 1]!, p),
      }));
    });
  gauges("ledger_processed_payments", "Payments in the ledger that were charged, by processor.", (count) => count);
  gauges(
    "ledger_processed_amount",
    "Sum of the charged payments in the ledger, in units of the currency, exact to the cent.",
    (_count, cents) => cents / 100,
  );
  gauges(
    "ledger_fees_amount",
    "Fees on rinha_ledger_processed_amount by the configured fees: fee times total, rounded once, half to " +
      "even, to the cent.",
    (_count, cents, p) => feeCents(cents, processors[p]!.fee) / 100,
  );
  gauges(
    "ledger_profit_amount",
    "rinha_ledger_processed_amount less rinha_ledger_fees_amount.",
    (_count, cents, p) => (cents - feeCents(cents, processors[p]!.fee)) / 100,
  );
}
