import { readFileSync } from "node:fs";
import { hostname } from "node:os";
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
import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  type BufferConfig,
  type IdGenerator,
  RandomIdGenerator,
  type ReadableSpan,
  type SpanExporter,
} from "@opentelemetry/sdk-trace-base";
import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from "@opentelemetry/semantic-conventions";
import type { Logger } from "pino";

const SERVICE_NAME = "rinha-backend";
/** Not yet among the stable conventions. */
const ATTR_SERVICE_INSTANCE_ID = "service.instance.id";
/** How long the end of the process may wait for a collector. */
const CLOSE_TIMEOUT_MS = 1000;

export type SpanOptions = { kind: SpanKind; attributes: Attributes; startTimeMs?: number; link?: Span };

/**
 * Makes spans and sends them: the SDK's batching queue, of a bounded length, in front of the OTLP exporter over gRPC. Whoever asks
 * for a span has decided that it is sampled. A collector that is dead or slow costs spans, never time or memory; they are counted.
 */
export class SpanExport {
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;
  readonly #ids = new GivenTraceIds();
  readonly #exporter: CountedExporter;
  readonly #logger: Logger;
  #startedCount = 0;
  #queueFullCount = 0;
  #untracedCount = 0;

  /** `instance` counts from 0. The SDK reads the OTEL_* variables of the process. */
  constructor(instance: number, logger: Logger) {
    this.#logger = logger;
    this.#exporter = new CountedExporter(new OTLPTraceExporter(), logger);
    const config: BufferConfig & { selfObsMeterProvider: MeterProvider } = {
      selfObsMeterProvider: queueFullCounter((count) => {
        this.#queueFullCount += count;
      }),
    };
    const version = serviceVersion();
    this.#provider = new BasicTracerProvider({
      resource: resourceOf(instance, version),
      sampler: new AlwaysOnSampler(),
      idGenerator: this.#ids,
      spanProcessors: [new BatchSpanProcessor(this.#exporter, config)],
    });
    this.#tracer = this.#provider.getTracer(SERVICE_NAME, version);
  }

  /** Spans the collector has taken. */
  get exportedSpanCount(): number {
    return this.#exporter.exportedCount;
  }

  /** Spans the collector was offered and did not take, or not in time. */
  get failedSpanCount(): number {
    return this.#exporter.failedCount;
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

/** Counts what becomes of the spans, and says once when the collector goes and when it is back. */
class CountedExporter implements SpanExporter {
  exportedCount = 0;
  failedCount = 0;
  readonly #exporter: OTLPTraceExporter;
  readonly #logger: Logger;
  #isFailing = false;

  constructor(exporter: OTLPTraceExporter, logger: Logger) {
    this.#exporter = exporter;
    this.#logger = logger;
  }

  export(spans: ReadableSpan[], onResult: (result: ExportResult) => void): void {
    this.#exporter.export(spans, (result) => {
      const isFailing = result.code !== ExportResultCode.SUCCESS;
      if (isFailing) this.failedCount += spans.length;
      else this.exportedCount += spans.length;
      if (isFailing !== this.#isFailing) this.#note(isFailing, result.error?.message);
      onResult(result);
    });
  }

  forceFlush(): Promise<void> {
    return this.#exporter.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  #note(isFailing: boolean, reason: string | undefined): void {
    this.#isFailing = isFailing;
    if (isFailing) this.#logger.warn({ reason }, "the trace collector does not take spans: they are lost");
    else this.#logger.warn("the trace collector takes spans again");
  }
}

/** The queue tells of spans it had no room for by a metric of its own, and in no other way. */
function queueFullCounter(onDropped: (count: number) => void): MeterProvider {
  const add = (count: number, attributes?: Attributes): void => {
    if (attributes?.["error.type"] === "queue_full") onDropped(count);
  };
  return { getMeter: () => Object.assign(createNoopMeter(), { createCounter: () => ({ add }) }) };
}

function resourceOf(instance: number, version: string): Resource {
  const own = resourceFromAttributes({
    [ATTR_SERVICE_NAME]: SERVICE_NAME,
    [ATTR_SERVICE_VERSION]: version,
    [ATTR_SERVICE_INSTANCE_ID]: `${hostname()}-${instance + 1}`,
  });
  return defaultResource()
    .merge(own)
    .merge(detectResources({ detectors: [envDetector] }));
}

/** Compiled layout: build/server/telemetry/span-export.js. */
function serviceVersion(): string {
  const text = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
