import { type SpanContext, TraceFlags } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import type { SpanMessage } from "./span-message.ts";

/** The sender gives spans their resource. */
const NO_RESOURCE = {};

/** A span that has ended, in the SDK's queue: with what the queue asks of a span, and no more. */
export class QueuedSpan {
  readonly message: SpanMessage;

  constructor(message: SpanMessage) {
    this.message = message;
  }

  static inQueue(message: SpanMessage): ReadableSpan {
    return new QueuedSpan(message) as unknown as ReadableSpan;
  }

  static messagesOf(spans: readonly ReadableSpan[]): SpanMessage[] {
    return (spans as unknown as readonly QueuedSpan[]).map(({ message }) => message);
  }

  spanContext(): SpanContext {
    const { traceId, spanId } = this.message;
    return { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
  }

  get resource(): object {
    return NO_RESOURCE;
  }
}
