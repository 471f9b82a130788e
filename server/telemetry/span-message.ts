import type { Attributes, HrTime, SpanKind, SpanStatus } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";

/** A span as it passes from the event loop to the sender's thread: what structured cloning takes. */
export type SpanMessage = {
  name: string;
  kind: SpanKind;
  context: ContextMessage;
  parent: ContextMessage | undefined;
  startTime: HrTime;
  endTime: HrTime;
  status: SpanStatus;
  attributes: Attributes;
  links: { context: ContextMessage; attributes: Attributes | undefined }[];
  events: ReadableSpan["events"];
  droppedCounts: [attributes: number, events: number, links: number];
};

type ContextMessage = {
  traceId: string;
  spanId: string;
  traceFlags: number;
  isRemote: boolean | undefined;
  traceState: string | undefined;
};

/** To the sender: a batch by its number. */
export type SenderCommand = { number: number; spans: SpanMessage[] };
/** From the sender: what became of a batch. */
export type SenderReport = { number: number; error: string | undefined };

export type SenderData = { instance: number };

export function toMessage(span: ReadableSpan): SpanMessage {
  const { name, kind, startTime, endTime, status, attributes, events } = span;
  return {
    name,
    kind,
    context: contextMessage(span.spanContext()),
    parent: span.parentSpanContext && contextMessage(span.parentSpanContext),
    startTime,
    endTime,
    status,
    attributes,
    links: span.links.map((link) => ({ context: contextMessage(link.context), attributes: link.attributes })),
    events,
    droppedCounts: [span.droppedAttributesCount, span.droppedEventsCount, span.droppedLinksCount],
  };
}

function contextMessage(context: ReturnType<ReadableSpan["spanContext"]>): ContextMessage {
  const { traceId, spanId, traceFlags, isRemote, traceState } = context;
  return { traceId, spanId, traceFlags, isRemote, traceState: traceState?.serialize() };
}
