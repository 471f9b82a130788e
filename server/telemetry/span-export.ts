import {
  type Attributes,
  type Context,
  createNoopMeter,
  type MeterProvider,
  ROOT_CONTEXT,
  type Span,
  type SpanKind,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  type BufferConfig,
  type IdGenerator,
  RandomIdGenerator,
} from "@opentelemetry/sdk-trace-base";
import type { Logger } from "pino";
import type { OtlpEndpoint } from "./otlp-endpoint.ts";
import { resourceOf, SCOPE } from "./resource.ts";
import { Sender } from "./sender.ts";

/** How long the end of the process may wait for a collector. */
const CLOSE_TIMEOUT_MS = 1000;

export type SpanOptions = { kind: SpanKind; attributes: Attributes; startTimeMs?: number; link?: Span };

/**
 * Makes spans and sends them: the SDK's batching queue, of a bounded length, in front of the OTLP exporter over gRPC.
 * Whoever asks for a span has decided that it is sampled. A collector that is dead or slow costs spans, never time or
 * memory; they are counted.
 */
export class SpanExport {
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;
  readonly #ids = new GivenTraceIds();
  readonly #exporter: Sender;
  readonly #logger: Logger;
  #startedCount = 0;
  #queueFullCount = 0;
  #untracedCount = 0;

  /** `instance` counts from 0. The SDK reads the OTEL_* variables of the process. */
  constructor(instance: number, collector: OtlpEndpoint, logger: Logger) {
    this.#logger = logger;
    this.#exporter = new Sender(instance, collector, logger);
    const config: BufferConfig & { selfObsMeterProvider: MeterProvider } = {
      selfObsMeterProvider: queueFullCounter((count) => {
        this.#queueFullCount += count;
      }),
    };
    this.#provider = new BasicTracerProvider({
      resource: resourceOf(instance),
      sampler: new AlwaysOnSampler(),
      idGenerator: this.#ids,
      spanProcessors: [new BatchSpanProcessor(this.#exporter, config)],
    });
    this.#tracer = this.#provider.getTracer(SCOPE.name, SCOPE.version);
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

  /** First span of a trace with the given id. */
  root(name: string, traceId: string, options: SpanOptions): Span {
    this.#ids.traceId = traceId;
    return this.#start(name, options, ROOT_CONTEXT);
  }

  child(name: string, parent: Context, options: SpanOptions): Span {
    return this.#start(name, options, parent);
  }

  #start(name: string, { kind, attributes, startTimeMs, link }: SpanOptions, parent: Context): Span {
    this.#startedCount++;
    return this.#tracer.startSpan(
      name,
      {
        kind,
        attributes,
        ...(startTimeMs !== undefined && { startTime: startTimeMs }),
        ...(link !== undefined && { links: [{ context: link.spanContext() }] }),
      },
      parent,
    );
  }

  /** Sends what is queued, for at most CLOSE_TIMEOUT_MS. Every span must have ended. */
  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise((resolve) => {
      timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
    });
    // A batch that fails is counted by the exporter, and there is nothing else to be done about it.
    await Promise.race([this.#provider.shutdown().catch(() => {}), tooLate]);
    clearTimeout(timer);
    await this.#exporter.shutdown();
    const { exportedSpanCount: exported, failedSpanCount: failed, droppedSpanCount: dropped } = this;
    const unsent = this.#startedCount - exported - failed - this.#queueFullCount;
    if (failed + dropped + unsent > 0) this.#logger.warn({ exported, failed, dropped, unsent }, "spans were lost");
  }
}

/** The context in which a span's children are made. */
export function contextOf(span: Span): Context {
  return trace.setSpan(ROOT_CONTEXT, span);
}

/** The SDK draws trace ids; here the sampler has drawn them already. */
class GivenTraceIds implements IdGenerator {
  traceId = "";
  readonly generateSpanId = new RandomIdGenerator().generateSpanId;

  generateTraceId(): string {
    return this.traceId;
  }
}

/** The queue tells of spans it had no room for by a metric of its own, and in no other way. */
function queueFullCounter(onDropped: (count: number) => void): MeterProvider {
  const add = (count: number, attributes?: Attributes): void => {
    if (attributes?.["error.type"] === "queue_full") onDropped(count);
  };
  return { getMeter: () => Object.assign(createNoopMeter(), { createCounter: () => ({ add }) }) };
}
