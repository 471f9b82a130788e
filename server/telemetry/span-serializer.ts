import { SpanKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import {
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
} from "@opentelemetry/semantic-conventions";
import { AttributeKey, AttributeWriter } from "./attribute-writer.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";
import { resourceOf, SCOPE } from "./resource.ts";
import { SpanAttributes } from "./span-attributes.ts";
import type { SpanLimits } from "./span-limits.ts";
import type { SenderData, SpanException, SpanMessage } from "./span-message.ts";

/** Field numbers of opentelemetry/proto/trace/v1/trace.proto and what it is sent in. */
const REQUEST = { resourceSpans: 1 };
const RESOURCE_SPANS = { resource: 1, scopeSpans: 2 };
const RESOURCE = { attributes: 1 };
const SCOPE_SPANS = { scope: 1, spans: 2 };
const SCOPE_FIELDS = { name: 1, version: 2 };
const SPAN = {
  traceId: 1,
  spanId: 2,
  traceState: 3,
  parentSpanId: 4,
  name: 5,
  kind: 6,
  startNanos: 7,
  endNanos: 8,
  attributes: 9,
  droppedAttributesCount: 10,
  events: 11,
  droppedEventsCount: 12,
  links: 13,
  droppedLinksCount: 14,
  status: 15,
  flags: 16,
};
const EVENT = { nanos: 1, name: 2, attributes: 3 };
const LINK = { traceId: 1, spanId: 2, traceState: 3, flags: 6 };
const STATUS_CODE = 3;

/** The protocol's kinds begin one later than the API's. */
const KINDS = { request: SpanKind.SERVER + 1, payment: SpanKind.INTERNAL + 1, client: SpanKind.CLIENT + 1 };
/** Whether the parent is of another process is known; and it is. */
const FLAGS = TraceFlags.SAMPLED | 0x100;
const FLAGS_REMOTE_PARENT = FLAGS | 0x200;

const EXCEPTION_TYPE = new AttributeKey(ATTR_EXCEPTION_TYPE);
const EXCEPTION_MESSAGE = new AttributeKey(ATTR_EXCEPTION_MESSAGE);
const EXCEPTION_STACKTRACE = new AttributeKey(ATTR_EXCEPTION_STACKTRACE);

/**
 * Spans from the event loop as the protocol has them, in the place of the SDK's own serializer: that one takes spans as
 * objects of objects, which cost more to make and to walk twice than all the rest, above all while they are rare.
 */
export class SpanSerializer {
  readonly #writer = new ProtobufWriter();
  readonly #attributes: SpanAttributes;
  readonly #limits: SpanLimits;
  readonly #values: AttributeWriter;
  /** Fields of ResourceSpans and of ScopeSpans that are in every request. */
  readonly #resource: Buffer;
  readonly #scope: Buffer;

  constructor({ instance, processors }: SenderData, limits: SpanLimits) {
    this.#limits = limits;
    this.#attributes = new SpanAttributes(this.#writer, SPAN.attributes, processors, limits);
    this.#values = new AttributeWriter(this.#writer, limits.valueLengthMax);
    this.#resource = this.#resourceOf(instance);
    this.#scope = this.#scopeBytes();
  }

  /** Of the whole of a batch. */
  serializeRequest(spans: readonly SpanMessage[]): Uint8Array {
    for (const span of spans) this.#span(span);
    const body = this.#writer.take();
    const scopeBytes = this.#scope.length + body.length;
    this.#writer.head(RESOURCE_SPANS.scopeSpans, scopeBytes);
    const scopeHead = this.#writer.take();
    this.#writer.head(REQUEST.resourceSpans, this.#resource.length + scopeHead.length + scopeBytes);
    return Buffer.concat([this.#writer.take(), this.#resource, scopeHead, this.#scope, body]);
  }

  deserializeResponse(bytes: Uint8Array) {
    return ProtobufTraceSerializer.deserializeResponse(bytes);
  }

  #span(span: SpanMessage): void {
    const writer = this.#writer;
    const { what, traceState, parentSpanId } = span;
    const start = writer.begin(SCOPE_SPANS.spans);
    writer.hex(SPAN.traceId, span.traceId);
    writer.hex(SPAN.spanId, span.spanId);
    if (traceState !== "") writer.text(SPAN.traceState, traceState);
    if (parentSpanId !== "") writer.hex(SPAN.parentSpanId, parentSpanId);
    writer.text(SPAN.name, this.#attributes.nameOf(span));
    writer.whole(SPAN.kind, what === "request" || what === "payment" ? KINDS[what] : KINDS.client);
    writer.fixed64(SPAN.startNanos, nanosOf(span.startMs));
    writer.fixed64(SPAN.endNanos, nanosOf(span.endMs));
    const droppedCount = this.#attributes.write(span);
    if (droppedCount > 0) writer.whole(SPAN.droppedAttributesCount, droppedCount);
    if (what === "attempt" && span.exception !== undefined) this.#exception(span.exception);
    // It outlives the request that it is a child of.
    if (what === "payment") this.#link(span);
    if (span.errorType !== "") {
      const status = writer.begin(SPAN.status);
      writer.whole(STATUS_CODE, SpanStatusCode.ERROR);
      writer.end(status);
    }
    writer.fixed32(SPAN.flags, what === "request" && parentSpanId !== "" ? FLAGS_REMOTE_PARENT : FLAGS);
    writer.end(start);
  }

  #link({ traceId, traceState, parentSpanId }: SpanMessage): void {
    const writer = this.#writer;
    if (this.#limits.linkCountMax === 0) {
      writer.whole(SPAN.droppedLinksCount, 1);
      return;
    }
    const start = writer.begin(SPAN.links);
    writer.hex(LINK.traceId, traceId);
    writer.hex(LINK.spanId, parentSpanId);
    if (traceState !== "") writer.text(LINK.traceState, traceState);
    writer.fixed32(LINK.flags, FLAGS);
    writer.end(start);
  }

  #exception({ type, message, stack, atMs }: SpanException): void {
    const writer = this.#writer;
    if (this.#limits.eventCountMax === 0) {
      writer.whole(SPAN.droppedEventsCount, 1);
      return;
    }
    const start = writer.begin(SPAN.events);
    writer.fixed64(EVENT.nanos, nanosOf(atMs));
    writer.text(EVENT.name, "exception");
    this.#values.add(EVENT.attributes, EXCEPTION_TYPE, type);
    this.#values.add(EVENT.attributes, EXCEPTION_MESSAGE, message);
    this.#values.add(EVENT.attributes, EXCEPTION_STACKTRACE, stack);
    writer.end(start);
  }

  #resourceOf(instance: number): Buffer {
    const start = this.#writer.begin(RESOURCE_SPANS.resource);
    // Its values are not cut: the limit is for spans.
    const values = new AttributeWriter(this.#writer, Number.POSITIVE_INFINITY);
    for (const [name, value] of Object.entries(resourceOf(instance).attributes)) {
      values.add(RESOURCE.attributes, new AttributeKey(name), typeof value === "number" ? value : String(value));
    }
    this.#writer.end(start);
    return this.#writer.take();
  }

  #scopeBytes(): Buffer {
    const start = this.#writer.begin(SCOPE_SPANS.scope);
    this.#writer.text(SCOPE_FIELDS.name, SCOPE.name);
    this.#writer.text(SCOPE_FIELDS.version, SCOPE.version);
    this.#writer.end(start);
    return this.#writer.take();
  }
}

function nanosOf(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.floor((ms - whole) * 1e6));
}
