import type { Logger } from "pino";
import type { Engine } from "../../core/engine.ts";
import { ACCEPTED_NEW, type AcceptResult, CONFLICT, DUPLICATE } from "../../core/values/accept-result.ts";
import type { Asker } from "../http/exchange.ts";
import type { PollReport } from "../meters/poll-report.ts";
import type { TracingSettings } from "../settings/tracing-settings.ts";
import { HeadSampler } from "./head-sampler.ts";
import { PaymentSpans } from "./payment-spans.ts";
import { contextHeaders, RequestSpans } from "./request-spans.ts";
import { SpanExport } from "./span-export.ts";
import { newSpanId } from "./trace-ids.ts";

/** The traces of a partition's payments, and of the requests about them. */
export class PartitionTracing {
  readonly requests: RequestSpans;
  readonly payments: PaymentSpans;

  constructor(requests: RequestSpans, payments: PaymentSpans) {
    this.requests = requests;
    this.payments = payments;
  }

  /** A payment was read from a request and offered to the engine. Hot. */
  offered(exchange: Asker, result: AcceptResult, id: Int32Array, correlationId: string, cents: number): void {
    const request = this.requests.of(exchange);
    if (request === undefined) return;
    request.correlationId = correlationId;
    request.cents = cents;
    request.outcome = resultName(result);
    if (result === ACCEPTED_NEW) this.payments.accepted(request, id);
  }
}

export type TracingOptions = { instance: number; processors: readonly { name: string; url: URL }[] };

/**
 * The traces of an instance. Loading this file loads the OpenTelemetry packages, so it is imported only where it is
 * wanted, and everybody else has an optional `tracing`.
 */
export class Tracing {
  readonly requests: RequestSpans;
  readonly #export: SpanExport;
  readonly #sampler: HeadSampler;

  constructor(logger: Logger, settings: TracingSettings, { instance, processors }: TracingOptions) {
    const origin = { instance, processors: processors.map(({ name, url }) => ({ name, url: url.href })) };
    this.#export = new SpanExport(origin, settings.collector, logger);
    this.#sampler = new HeadSampler(settings);
    this.requests = new RequestSpans(this.#export, this.#sampler);
  }

  /** The traces of the payments of one more engine. */
  ofPartition(engine: Engine): PartitionTracing {
    return new PartitionTracing(this.requests, new PaymentSpans(this.#export, engine));
  }

  /** Spans the collector took, did not take, and for which there was no room, since the start. */
  get counts(): { exported: number; failed: number; dropped: number } {
    const { exportedSpanCount: exported, failedSpanCount: failed, droppedSpanCount: dropped } = this.#export;
    return { exported, failed, dropped };
  }

  /** How many times the sender's thread had to be replaced. */
  get senderReplacedCount(): number {
    return this.#export.senderReplacedCount;
  }

  /** The headers that carry the context of a request on to another instance, if it is sampled. */
  headersOf(exchange: Asker): readonly string[] | undefined {
    const request = this.requests.of(exchange);
    return request && contextHeaders(request);
  }

  /** A processor's health endpoint was asked; a trace of its own, known only when it is over. */
  polled({ processor, beganAtMs, endedAtMs, status, result, error }: PollReport): void {
    const traceId = this.#sampler.newTrace();
    if (traceId === undefined) return;
    this.#export.send({
      what: "poll",
      traceId,
      spanId: newSpanId(),
      parentSpanId: "",
      traceState: "",
      startMs: beganAtMs,
      endMs: endedAtMs,
      errorType: error === undefined ? "" : status >= 400 ? String(status) : error,
      processor,
      status,
      result,
    });
  }

  /** Ends what is open and sends what is queued, in bounded time. */
  async close(): Promise<void> {
    this.requests.close();
    await this.#export.close();
  }
}

function resultName(result: AcceptResult): string {
  if (result === ACCEPTED_NEW) return "accepted";
  if (result === DUPLICATE) return "duplicate";
  return result === CONFLICT ? "conflict" : "full";
}
