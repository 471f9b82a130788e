import { type Attributes, createNoopMeter, type MeterProvider } from "@opentelemetry/api";
import { BatchSpanProcessor, type BufferConfig } from "@opentelemetry/sdk-trace-base";
import type { Logger } from "pino";
import type { OtlpEndpoint } from "../settings/otlp-endpoint.ts";
import { QueuedSpan } from "./queued-span.ts";
import { Sender } from "./sender.ts";
import { SpanClock } from "./span-clock.ts";
import type { SenderData, SpanMessage } from "./span-message.ts";

/** How long the end of the process may wait for a collector. */
const CLOSE_TIMEOUT_MS = 1000;

/**
 * Sends spans: the SDK's batching queue, of a bounded length, in front of the OTLP exporter over gRPC. Whoever makes a
 * span has decided that it is sampled. A collector that is dead or slow costs spans, never time or memory; they are
 * counted.
 */
export class SpanExport {
  readonly clock = new SpanClock();
  readonly #queue: BatchSpanProcessor;
  readonly #exporter: Sender;
  readonly #logger: Logger;
  #endedCount = 0;
  #queueFullCount = 0;
  #untracedCount = 0;

  /** The SDK reads the OTEL_* variables of the process. */
  constructor(origin: SenderData, collector: OtlpEndpoint, logger: Logger) {
    this.#logger = logger;
    this.#exporter = new Sender(origin, collector, this.clock, logger);
    const config: BufferConfig & { selfObsMeterProvider: MeterProvider } = {
      selfObsMeterProvider: queueFullCounter((count) => {
        this.#queueFullCount += count;
      }),
    };
    this.#queue = new BatchSpanProcessor(this.#exporter, config);
  }

  /** Spans the collector has taken. */
  get exportedSpanCount(): number {
    return this.#exporter.exportedCount;
  }

  /** Spans the collector was offered and did not take, or not in time. */
  get failedSpanCount(): number {
    return this.#exporter.failedCount;
  }

  /** How many times the sender's thread had to be replaced. */
  get senderReplacedCount(): number {
    return this.#exporter.replacedCount;
  }

  /** Spans for which there was no room: in the queue, or in the tables of what is being traced. */
  get droppedSpanCount(): number {
    return this.#queueFullCount + this.#untracedCount;
  }

  /** A sampled span is not even made, because the table it would stand in is full. */
  leaveOut(): void {
    this.#untracedCount++;
  }

  /** A span ends now. */
  end(span: SpanMessage): void {
    // The clock may have followed one that was set back.
    span.endMs = Math.max(span.startMs, this.clock.nowMs());
    this.send(span);
  }

  /** One that has ended already. */
  send(span: SpanMessage): void {
    this.#endedCount++;
    this.#queue.onEnd(QueuedSpan.inQueue(span));
  }

  /** Sends what is queued, for at most CLOSE_TIMEOUT_MS. Every span must have ended. */
  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise((resolve) => {
      timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
    });
    // A batch that fails is counted by the exporter, and there is nothing else to be done about it.
    await Promise.race([this.#queue.shutdown().catch(() => {}), tooLate]);
    clearTimeout(timer);
    await this.#exporter.shutdown();
    const { exportedSpanCount: exported, failedSpanCount: failed, droppedSpanCount: dropped } = this;
    const unsent = this.#endedCount - exported - failed - this.#queueFullCount;
    if (failed + dropped + unsent > 0) this.#logger.warn({ exported, failed, dropped, unsent }, "spans were lost");
  }
}

/** The queue tells of spans it had no room for by a metric of its own, and in no other way. */
function queueFullCounter(onDropped: (count: number) => void): MeterProvider {
  const add = (count: number, attributes?: Attributes): void => {
    if (attributes?.["error.type"] === "queue_full") onDropped(count);
  };
  return { getMeter: () => Object.assign(createNoopMeter(), { createCounter: () => ({ add }) }) };
}
