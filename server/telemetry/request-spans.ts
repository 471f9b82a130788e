import type { HttpRequest } from "uWebSockets.js";
import { parseTraceParent, TraceState } from "@opentelemetry/core";
import type { Asker, Exchange, ExchangeWatch } from "../http/exchange.ts";
import type { HeadSampler } from "./head-sampler.ts";
import type { SpanExport } from "./span-export.ts";
import type { RequestSpan, SpanMessage } from "./span-message.ts";
import { newSpanId } from "./trace-ids.ts";

/** More requests than this are never open at once unless something is wrong; the rest goes untraced. */
const OPEN_REQUESTS_MAX = 4096;
const SAMPLED_FLAG = 1;

/** Server spans of the sampled requests, from their headers to their answers, found again by their exchange. */
export class RequestSpans implements ExchangeWatch {
  readonly #export: SpanExport;
  readonly #sampler: HeadSampler;
  readonly #open = new Map<Asker, RequestSpan>();

  constructor(spanExport: SpanExport, sampler: HeadSampler) {
    this.#export = spanExport;
    this.#sampler = sampler;
  }

  /** Within the uWS callback of a request. Hot: reads one header, and makes nothing unless the request is sampled. */
  began(exchange: Exchange, req: HttpRequest, method: string, route: string): void {
    const traceparent = req.getHeader("traceparent");
    // By the standard, a context that cannot be read counts as none.
    const parent = traceparent === "" ? null : parseTraceParent(traceparent);
    let traceId: string | undefined;
    if (parent === null) traceId = this.#sampler.newTrace();
    else if (this.#sampler.continues(parent.traceId, (parent.traceFlags & SAMPLED_FLAG) !== 0))
      traceId = parent.traceId;
    if (traceId === undefined) return;
    if (this.#open.size >= OPEN_REQUESTS_MAX) {
      this.#export.leaveOut();
      return;
    }
    this.#open.set(exchange, {
      what: "request",
      traceId,
      spanId: newSpanId(),
      parentSpanId: parent === null ? "" : parent.spanId,
      traceState: parent === null ? "" : traceStateOf(req),
      startMs: this.#export.clock.nowMs(),
      endMs: 0,
      errorType: "",
      method,
      route,
      path: req.getUrl(),
      client: clientOf(req),
      status: 0,
      correlationId: "",
      cents: 0,
      outcome: "",
    });
  }

  /** Hot. */
  of(exchange: Asker): RequestSpan | undefined {
    return this.#open.size === 0 ? undefined : this.#open.get(exchange);
  }

  /** Hot. */
  answered(exchange: Exchange, status: number): void {
    const span = this.of(exchange);
    if (span === undefined) return;
    span.status = status;
    if (status >= 500) span.errorType = String(status);
    this.#end(exchange, span);
  }

  /** The client has gone before it was answered. */
  aborted(exchange: Asker): void {
    const span = this.of(exchange);
    if (span === undefined) return;
    span.errorType = "aborted";
    this.#end(exchange, span);
  }

  close(): void {
    for (const exchange of [...this.#open.keys()]) this.aborted(exchange);
  }

  #end(exchange: Asker, span: RequestSpan): void {
    this.#open.delete(exchange);
    this.#export.end(span);
  }
}

/** The headers that carry a span's context on, by name and value in turn. */
export function contextHeaders({ traceId, spanId, traceState }: SpanMessage): string[] {
  const traceparent = `00-${traceId}-${spanId}-01`;
  return traceState === "" ? ["traceparent", traceparent] : ["traceparent", traceparent, "tracestate", traceState];
}

/** What of it can be read. */
function traceStateOf(req: HttpRequest): string {
  const text = req.getHeader("tracestate");
  return text === "" ? "" : new TraceState(text).serialize();
}

function clientOf(req: HttpRequest): string {
  const text = req.getHeader("x-forwarded-for");
  const end = text.indexOf(",");
  return (end < 0 ? text : text.slice(0, end)).trim();
}
