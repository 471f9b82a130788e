import { type Attributes, type HrTime, type SpanContext, SpanKind, TraceFlags } from "@opentelemetry/api";
import { TraceState } from "@opentelemetry/core";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { expect } from "chai";
import fc from "fast-check";
import { resourceOf, SCOPE } from "../../../server/telemetry/resource.ts";
import type { SpanLimits } from "../../../server/telemetry/span-limits.ts";
import type { SpanMessage } from "../../../server/telemetry/span-message.ts";
import { SpanSerializer } from "../../../server/telemetry/span-serializer.ts";
import { decodeExport } from "./collector.ts";

type Decoded = {
  resourceSpans: {
    scopeSpans: {
      spans: {
        status: unknown;
        attributes: { key: string; value: Record<string, unknown> }[];
        droppedAttributesCount: number;
        droppedLinksCount: number;
        droppedEventsCount: number;
        links: unknown[];
        events: unknown[];
      }[];
    }[];
  }[];
};

const ORIGIN = {
  instance: 1,
  processors: [
    { name: "default", url: "http://127.0.0.1:8001/" },
    { name: "zürich", url: "https://pay.example/api" },
  ],
};
const URLS = ["http://127.0.0.1:8001/payments", "https://pay.example/api/payments"];
const PATHS = ["/payments", "/api/payments"];
const HOSTS = ["127.0.0.1", "pay.example"];
const PORTS = [8001, 443];
const RESOURCE = resourceOf(ORIGIN.instance);
const UNLIMITED: SpanLimits = {
  valueLengthMax: Number.POSITIVE_INFINITY,
  attributeCountMax: 128,
  eventCountMax: 128,
  linkCountMax: 128,
};

const hex = (digits: number) =>
  fc.string({ minLength: digits, maxLength: digits, unit: fc.constantFrom(..."0123456789abcdef") });
const text = fc.oneof(
  fc.string({ minLength: 1, maxLength: 150, unit: "grapheme" }),
  fc.constantFrom("a".repeat(127), "b".repeat(128), "ü".repeat(63), "ü".repeat(64), "c".repeat(17_000)),
);
const maybe = (of: fc.Arbitrary<string>) => fc.oneof(fc.constant(""), of);
const status = fc.constantFrom(0, 200, 202, 503);
const count = fc.nat({ max: 300 });
const timeMs = fc.double({ min: 1.7e12, max: 2e12, noNaN: true });
const any = {
  traceId: hex(32),
  spanId: hex(16),
  parentSpanId: maybe(hex(16)),
  traceState: fc.constantFrom("", "shop=basket7", "a=1,b=2"),
  startMs: timeMs,
  endMs: timeMs,
  errorType: maybe(text),
};
const paid = { correlationId: fc.uuid(), cents: fc.maxSafeNat(), outcome: maybe(text) };
const processor = fc.constantFrom(0, 1);
const exception = fc.option(fc.record({ type: text, message: text, stack: text, atMs: timeMs }), { nil: undefined });

const span: fc.Arbitrary<SpanMessage> = fc.oneof(
  fc.record({
    ...any,
    ...paid,
    what: fc.constant("request" as const),
    method: fc.constantFrom("GET", "POST"),
    route: text,
    path: text,
    client: maybe(text),
    status,
  }),
  fc.record({
    ...any,
    ...paid,
    parentSpanId: hex(16),
    what: fc.constant("payment" as const),
    attemptCount: count,
    state: maybe(text),
    processor: maybe(text),
  }),
  fc.record({
    ...any,
    ...paid,
    what: fc.constant("attempt" as const),
    processor,
    isLookup: fc.boolean(),
    requestedAtMs: fc.integer({ min: 1.7e12, max: 2e12 }),
    resendCount: count,
    status,
    exception,
  }),
  fc.record({
    ...any,
    what: fc.constant("poll" as const),
    processor,
    status,
    result: fc.option(fc.record({ failing: fc.boolean(), minResponseMs: count }), { nil: undefined }),
  }),
);

function serialized(spans: readonly SpanMessage[], limits = UNLIMITED): Decoded {
  return decodeExport(new SpanSerializer(ORIGIN, limits).serializeRequest(spans)) as Decoded;
}

/** Without the order of attributes, which means nothing, and with a status where it is left out: it means the same. */
function normal(decoded: Decoded): Decoded {
  for (const { scopeSpans } of decoded.resourceSpans) {
    for (const { spans } of scopeSpans) {
      for (const each of spans) {
        each.attributes.sort((a, b) => (a.key < b.key ? -1 : 1));
        each.status ??= { message: "", code: "STATUS_CODE_UNSET" };
      }
    }
  }
  return decoded;
}

/** The same span as the SDK has it. */
function readable(message: SpanMessage): ReadableSpan {
  const { traceId, spanId, parentSpanId, traceState } = message;
  const shared = {
    traceId,
    traceFlags: TraceFlags.SAMPLED,
    ...(traceState !== "" && { traceState: new TraceState(traceState) }),
  };
  const context: SpanContext = { ...shared, spanId };
  const parent: SpanContext = { ...shared, spanId: parentSpanId, isRemote: message.what === "request" };
  const { name, kind, attributes } = shown(message);
  return {
    name,
    kind,
    attributes: present({ ...attributes, "error.type": message.errorType }),
    spanContext: () => context,
    ...(parentSpanId !== "" && { parentSpanContext: parent }),
    startTime: hrTime(message.startMs),
    endTime: hrTime(message.endMs),
    duration: [0, 0],
    ended: true,
    status: { code: message.errorType === "" ? 0 : 2 },
    links: message.what === "payment" ? [{ context: parent }] : [],
    events: message.what === "attempt" && message.exception ? [eventOf(message.exception)] : [],
    resource: RESOURCE,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function shown(message: SpanMessage): { name: string; kind: SpanKind; attributes: Attributes } {
  if (message.what === "request") {
    const { method, route, path, client, outcome } = message;
    const attributes = {
      "http.request.method": method,
      "http.route": route,
      "url.path": path,
      "url.scheme": "http",
      "client.address": client,
      "http.response.status_code": message.status || undefined,
      ...(outcome !== "" && payment(message)),
    };
    return { name: `${method} ${route}`, kind: SpanKind.SERVER, attributes };
  }
  if (message.what === "payment") {
    const { attemptCount, state } = message;
    const attributes = {
      ...payment(message),
      "payment.attempt_count": attemptCount,
      "payment.state": state,
      "payment.processor": message.processor,
    };
    return { name: "payment", kind: SpanKind.INTERNAL, attributes };
  }
  const to = message.processor;
  const isLookup = message.what === "attempt" && message.isLookup;
  const isGet = isLookup || message.what === "poll";
  const about = message.what === "poll" ? "/service-health" : isLookup ? "/{correlationId}" : "";
  const attributes: Record<string, string | number | boolean | undefined> = {
    "http.request.method": isGet ? "GET" : "POST",
    "server.address": HOSTS[to]!,
    "server.port": PORTS[to]!,
    "url.full": URLS[to]! + (message.what === "attempt" && isLookup ? `/${message.correlationId}` : about),
    "payment.processor": ORIGIN.processors[to]!.name,
    "http.response.status_code": message.status || undefined,
  };
  if (message.what === "attempt") {
    Object.assign(attributes, payment(message), {
      "url.template": PATHS[to]! + about,
      "payment.requested_at": new Date(message.requestedAtMs).toISOString(),
      "http.request.resend_count": message.resendCount || undefined,
    });
  } else if (message.result) {
    const { failing, minResponseMs } = message.result;
    Object.assign(attributes, {
      "payment.processor.failing": failing,
      "payment.processor.min_response_time": minResponseMs,
    });
  }
  return { name: `${isGet ? "GET" : "POST"} ${PATHS[to]}${about}`, kind: SpanKind.CLIENT, attributes };
}

function payment({ correlationId, cents, outcome }: { correlationId: string; cents: number; outcome: string }) {
  return { "payment.correlation_id": correlationId, "payment.amount": cents / 100, "payment.outcome": outcome };
}

function present(attributes: Record<string, unknown>): Attributes {
  const entries = Object.entries(attributes).filter(([, value]) => value !== "" && value !== undefined);
  return Object.fromEntries(entries) as Attributes;
}

function eventOf({ type, message, stack, atMs }: { type: string; message: string; stack: string; atMs: number }) {
  const attributes = { "exception.type": type, "exception.message": message, "exception.stacktrace": stack };
  return { name: "exception", attributes, time: hrTime(atMs) };
}

function hrTime(ms: number): HrTime {
  const wholeMs = Math.floor(ms);
  return [Math.floor(wholeMs / 1000), (wholeMs % 1000) * 1e6 + Math.floor((ms - wholeMs) * 1e6)];
}

describe("serializer of spans", () => {
  it("says what the SDK's says of the same spans, whatever they are", () => {
    fc.assert(
      fc.property(fc.array(span, { minLength: 1, maxLength: 5 }), (spans) => {
        const expected = decodeExport(ProtobufTraceSerializer.serializeRequest(spans.map(readable))!) as Decoded;
        expect(normal(serialized(spans))).to.deep.equal(normal(expected));
      }),
    );
  });

  it("is used again for the next batch", () => {
    const [second, ...first] = fc.sample(span, 400) as [SpanMessage, ...SpanMessage[]];
    const serializer = new SpanSerializer(ORIGIN, UNLIMITED);
    serializer.serializeRequest(first);
    expect(decodeExport(serializer.serializeRequest([second]))).to.deep.equal(serialized([second]));
  });

  it("keeps within the limits of spans, and counts what it leaves out", () => {
    const limits = { valueLengthMax: 3, attributeCountMax: 2, eventCountMax: 0, linkCountMax: 0 };
    fc.assert(
      fc.property(span, (each) => {
        const whole = serialized([each]).resourceSpans[0]!.scopeSpans[0]!.spans[0]!;
        const cut = serialized([each], limits).resourceSpans[0]!.scopeSpans[0]!.spans[0]!;
        const texts = cut.attributes.map(({ value }) => value["stringValue"]).filter((value) => value !== undefined);
        for (const value of texts) expect(value).to.have.length.at.most(3);
        expect(cut.attributes.length).to.equal(Math.min(2, whole.attributes.length));
        expect(cut.attributes.length + cut.droppedAttributesCount).to.equal(whole.attributes.length);
        expect([cut.links.length, cut.droppedLinksCount]).to.deep.equal([0, whole.links.length]);
        expect([cut.events.length, cut.droppedEventsCount]).to.deep.equal([0, whole.events.length]);
      }),
    );
  });
});
