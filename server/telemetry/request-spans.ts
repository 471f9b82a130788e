import type { HttpRequest } from "uWebSockets.js";
import { ROOT_CONTEXT, type Span, type SpanContext, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { parseTraceParent, TraceState } from "@opentelemetry/core";
import {
  ATTR_CLIENT_ADDRESS,
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_URL_PATH,
  ATTR_URL_SCHEME,
} from "@opentelemetry/semantic-conventions";
import type { Asker, Exchange, ExchangeWatch } from "../http/exchange.ts";
import type { HeadSampler } from "./head-sampler.ts";
import type { SpanExport } from "./span-export.ts";

/** More requests than this are never open at once unless something is wrong; the rest goes untraced. */
const OPEN_REQUESTS_MAX = 4096;

/** Server spans of the sampled requests, from their headers to their answers, found again by their exchange. */
export class RequestSpans implements ExchangeWatch {
  readonly #export: SpanExport;
  readonly #sampler: HeadSampler;
  readonly #open = new Map<Asker, Span>();

  constructor(spanExport: SpanExport, sampler: HeadSampler) {
    this.#export = spanExport;
    this.#sampler = sampler;
  }

  /** Within the uWS callback of a request. Hot: reads one header, and makes nothing unless the request is sampled. */
  began(exchange: Exchange, req: HttpRequest, method: string, route: string): void {
    const traceparent = req.getHeader("traceparent");
    const span = traceparent === "" ? this.#root(req, method, route) : this.#child(traceparent, req, method, route);
    if (span !== undefined) this.#open.set(exchange, span);
  }

  /** Hot. */
  of(exchange: Asker): Span | undefined {
    return this.#open.size === 0 ? undefined : this.#open.get(exchange);
  }

  /** Hot. */
  answered(exchange: Exchange, status: number): void {
    const span = this.of(exchange);
    if (span === undefined) return;
    span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, status);
    if (status >= 500) fail(span, String(status));
    this.#end(exchange, span);
  }

  /** The client has gone before it was answered. */
  aborted(exchange: Asker): void {
    const span = this.of(exchange);
    if (span === undefined) return;
    fail(span, "aborted");
    this.#end(exchange, span);
  }

  close(): void {
    for (const exchange of [...this.#open.keys()]) this.aborted(exchange);
  }

  #root(req: HttpRequest, method: string, route: string): Span | undefined {
    const traceId = this.#sampler.newTrace();
    if (traceId === undefined || !this.#hasRoom()) return undefined;
    return this.#export.root(`${method} ${route}`, traceId, spanOptions(req, method, route));
  }

  #child(traceparent: string, req: HttpRequest, method: string, route: string): Span | undefined {
    const parent = parseTraceParent(traceparent);
    // By the standard, a context that cannot be read counts as none.
    if (parent === null) return this.#root(req, method, route);
    if (!this.#sampler.continues(parent.traceId, (parent.traceFlags & 1) === 1) || !this.#hasRoom()) return undefined;
    const tracestate = req.getHeader("tracestate");
    const remote: SpanContext = {
      ...parent,
      isRemote: true,
      ...(tracestate !== "" && { traceState: new TraceState(tracestate) }),
    };
    const context = trace.setSpanContext(ROOT_CONTEXT, remote);
    return this.#export.child(`${method} ${route}`, context, spanOptions(req, method, route));
  }

  #hasRoom(): boolean {
    if (this.#open.size < OPEN_REQUESTS_MAX) return true;
    this.#export.leaveOut();
    return false;
  }

  #end(exchange: Asker, span: Span): void {
    this.#open.delete(exchange);
    span.end();
  }
}

/** The headers that carry a span's context on, by name and value in turn. */
export function contextHeaders(span: Span): string[] {
  const { traceId, spanId, traceState } = span.spanContext();
  const headers = ["traceparent", `00-${traceId}-${spanId}-01`];
  const state = traceState?.serialize() ?? "";
  return state === "" ? headers : [...headers, "tracestate", state];
}

/** `errorType`: a word of a small set, or a status. */
export function fail(span: Span, errorType: string): void {
  span.setAttribute(ATTR_ERROR_TYPE, errorType);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

function spanOptions(req: HttpRequest, method: string, route: string) {
  const client = req.getHeader("x-forwarded-for").split(",", 1)[0]!.trim();
  return {
    kind: SpanKind.SERVER,
    attributes: {
      [ATTR_HTTP_REQUEST_METHOD]: method,
      [ATTR_HTTP_ROUTE]: route,
      [ATTR_URL_PATH]: req.getUrl(),
      [ATTR_URL_SCHEME]: "http",
      ...(client !== "" && { [ATTR_CLIENT_ADDRESS]: client }),
    },
  };
}
