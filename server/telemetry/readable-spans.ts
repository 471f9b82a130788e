import {
  type HrTime,
  type SpanContext,
  SpanKind,
  type SpanStatus,
  SpanStatusCode,
  TraceFlags,
} from "@opentelemetry/api";
import { TraceState } from "@opentelemetry/core";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import {
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
} from "@opentelemetry/semantic-conventions";
import { resourceOf, SCOPE } from "./resource.ts";
import {
  attemptAttributes,
  attemptTemplate,
  paymentAttributes,
  pollAttributes,
  pollPath,
  requestAttributes,
  SpanTarget,
} from "./span-attributes.ts";
import type { SenderData, SpanException, SpanMessage } from "./span-message.ts";

const UNSET: SpanStatus = { code: SpanStatusCode.UNSET };
const ERROR: SpanStatus = { code: SpanStatusCode.ERROR };
const NO_LINKS: ReadableSpan["links"] = [];
const NO_EVENTS: ReadableSpan["events"] = [];
const NANOS_PER_MS = 1e6;

type Shown = Pick<ReadableSpan, "name" | "kind" | "attributes">;

/** Makes of what came from the event loop the spans that the SDK's exporter takes. */
export class ReadableSpans {
  readonly #resource: Resource;
  readonly #targets: readonly SpanTarget[];

  constructor({ instance, processors }: SenderData) {
    this.#resource = resourceOf(instance);
    this.#targets = processors.map(({ name, url }) => new SpanTarget(name, new URL(url)));
  }

  from(messages: readonly SpanMessage[]): ReadableSpan[] {
    return messages.map((message) => new SentSpan(message, this.#shown(message), this.#resource));
  }

  #shown(span: SpanMessage): Shown {
    switch (span.what) {
      case "request":
        return {
          name: `${span.method} ${span.route}`,
          kind: SpanKind.SERVER,
          attributes: requestAttributes(span),
        };
      case "payment":
        return { name: "payment", kind: SpanKind.INTERNAL, attributes: paymentAttributes(span) };
      case "attempt": {
        const target = this.#targets[span.processor]!;
        const name = `${span.isLookup ? "GET" : "POST"} ${attemptTemplate(span, target)}`;
        return { name, kind: SpanKind.CLIENT, attributes: attemptAttributes(span, target) };
      }
      case "poll": {
        const target = this.#targets[span.processor]!;
        return { name: `GET ${pollPath(target)}`, kind: SpanKind.CLIENT, attributes: pollAttributes(span, target) };
      }
    }
  }
}

class SentSpan implements ReadableSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: ReadableSpan["attributes"];
  readonly parentSpanContext?: SpanContext;
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly status: SpanStatus;
  readonly links: ReadableSpan["links"];
  readonly events: ReadableSpan["events"];
  readonly resource: Resource;
  readonly instrumentationScope = SCOPE;
  readonly ended = true;
  readonly droppedAttributesCount = 0;
  readonly droppedEventsCount = 0;
  readonly droppedLinksCount = 0;
  readonly #context: SpanContext;
  readonly #durationMs: number;

  constructor(message: SpanMessage, { name, kind, attributes }: Shown, resource: Resource) {
    const { traceId, spanId, parentSpanId, startMs, endMs, what } = message;
    const shared = {
      traceId,
      traceFlags: TraceFlags.SAMPLED,
      ...(message.traceState !== "" && { traceState: new TraceState(message.traceState) }),
    };
    this.name = name;
    this.kind = kind;
    this.attributes = attributes;
    this.#context = { ...shared, spanId };
    if (parentSpanId !== "") {
      this.parentSpanContext = { ...shared, spanId: parentSpanId, ...(what === "request" && { isRemote: true }) };
    }
    this.startTime = hrTimeOf(startMs);
    this.endTime = hrTimeOf(endMs);
    this.#durationMs = endMs - startMs;
    this.status = message.errorType === "" ? UNSET : ERROR;
    // It outlives the request that it is a child of.
    this.links = what === "payment" && this.parentSpanContext ? [{ context: this.parentSpanContext }] : NO_LINKS;
    this.events = what === "attempt" && message.exception ? [eventOf(message.exception)] : NO_EVENTS;
    this.resource = resource;
  }

  spanContext(): SpanContext {
    return this.#context;
  }

  get duration(): HrTime {
    return hrTimeOf(this.#durationMs);
  }
}

function eventOf({ type, message, stack, atMs }: SpanException): ReadableSpan["events"][number] {
  const attributes = {
    [ATTR_EXCEPTION_TYPE]: type,
    [ATTR_EXCEPTION_MESSAGE]: message,
    [ATTR_EXCEPTION_STACKTRACE]: stack,
  };
  return { name: "exception", attributes, time: hrTimeOf(atMs), droppedAttributesCount: 0 };
}

function hrTimeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.floor((ms - seconds * 1000) * NANOS_PER_MS)];
}
