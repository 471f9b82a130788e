import { SpanKind } from "@opentelemetry/api";
import {
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_FULL,
} from "@opentelemetry/semantic-conventions";
import type { Logger } from "pino";
import type { Engine } from "../../core/engine.ts";
import { ACCEPTED_NEW, type AcceptResult, CONFLICT, DUPLICATE } from "../../core/values/accept-result.ts";
import type { Asker } from "../http/exchange.ts";
import type { PollReport } from "../meters/poll-report.ts";
import type { TracingSettings } from "../settings/tracing-settings.ts";
import { portOf } from "../text/url-port.ts";
import { HeadSampler } from "./head-sampler.ts";
import { ATTR_OUTCOME, ATTR_PROCESSOR, PaymentSpans, paymentAttributes } from "./payment-spans.ts";
import { contextHeaders, fail, RequestSpans } from "./request-spans.ts";
import { SpanExport } from "./span-export.ts";

/** What a processor says of itself; the time in milliseconds, as there. */
const ATTR_FAILING = "payment.processor.failing";
const ATTR_MIN_RESPONSE_TIME = "payment.processor.min_response_time";

/** The traces of a partition's payments, and of the requests about them. */
export class PartitionTracing {
  readonly requests: RequestSpans;
  readonly payments: PaymentSpans;

  constructor(requests: RequestSpans, payments: PaymentSpans) {
    this.requests = requests;
    this.payments = payments;
  }

  /** A payment was read from a request and offered to the engine. Hot. */
  offered(exchange: Asker, result: AcceptResult, correlationId: Int32Array, cents: number): void {
    const request = this.requests.of(exchange);
    if (request === undefined) return;
    request.setAttributes({ ...paymentAttributes(correlationId, cents), [ATTR_OUTCOME]: resultName(result) });
    if (result === ACCEPTED_NEW) this.payments.accepted(request, correlationId);
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
  readonly #processors: TracingOptions["processors"];

  constructor(logger: Logger, settings: TracingSettings, { instance, processors }: TracingOptions) {
    this.#export = new SpanExport(instance, settings.collector, logger);
    this.#sampler = new HeadSampler(settings);
    this.#processors = processors;
    this.requests = new RequestSpans(this.#export, this.#sampler);
  }

  /** The traces of the payments of one more engine. */
  ofPartition(engine: Engine): PartitionTracing {
    const urls = this.#processors.map(({ url }) => url);
    return new PartitionTracing(this.requests, new PaymentSpans(this.#export, engine, urls));
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
    const { name, url } = this.#processors[processor]!;
    const { hostname, origin, pathname } = url;
    const path = `${pathname.replace(/\/$/, "")}/payments/service-health`;
    const attributes = {
      [ATTR_HTTP_REQUEST_METHOD]: "GET",
      [ATTR_URL_FULL]: origin + path,
      [ATTR_SERVER_ADDRESS]: hostname,
      [ATTR_SERVER_PORT]: portOf(url),
      [ATTR_PROCESSOR]: name,
      ...(status > 0 && { [ATTR_HTTP_RESPONSE_STATUS_CODE]: status }),
      ...(result && { [ATTR_FAILING]: result.failing, [ATTR_MIN_RESPONSE_TIME]: result.minResponseMs }),
    };
    const span = this.#export.root(`GET ${path}`, traceId, {
      kind: SpanKind.CLIENT,
      attributes,
      startTimeMs: beganAtMs,
    });
    if (error !== undefined) fail(span, status >= 400 ? String(status) : error);
    span.end(endedAtMs);
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
