import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-base";
import type { Logger } from "pino";
import type { OtlpEndpoint } from "../settings/otlp-endpoint.ts";
import { WorkerLife } from "../system/worker-life.ts";
import { QueuedSpan } from "./queued-span.ts";
import type { SpanClock } from "./span-clock.ts";
import type { SenderCommand, SenderData, SenderReport } from "./span-message.ts";

/** Megabytes: a few batches and their encoding. */
const HEAP_MB = 32;
const YOUNG_HEAP_MB = 2;

type Batch = { spanCount: number; onResult: (result: ExportResult) => void };

/**
 * Sends batches of spans from a thread of its own, counts what becomes of them, and says once when the collector goes
 * and when it is back.
 *
 * Why a thread: gRPC runs on HTTP/2 streams, and a process that uses those beside plain sockets makes V8 give up the
 * code it compiled for sockets alone, again and again; every payment would pay for it, sampled or not. Encoding is off
 * the event loop too.
 */
export class Sender implements SpanExporter {
  exportedCount = 0;
  failedCount = 0;
  readonly #life: WorkerLife;
  readonly #logger: Logger;
  readonly #clock: SpanClock;
  readonly #underWay = new Map<number, Batch>();
  #nextNumber = 0;
  #isFailing = false;

  constructor(origin: SenderData, { target, isTls }: OtlpEndpoint, clock: SpanClock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger.child({ collector: target, tls: isTls });
    this.#logger.info("spans go to the trace collector");
    this.#life = new WorkerLife(
      {
        name: "trace sender",
        url: new URL("./sender-worker.js", import.meta.url),
        newOptions: () => ({
          workerData: origin,
          // Without a scheme these two are all that the exporter goes by: see otlp-endpoint.ts.
          env: {
            ...process.env,
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: target,
            OTEL_EXPORTER_OTLP_TRACES_INSECURE: String(!isTls),
          },
        }),
        heapMb: HEAP_MB,
        youngHeapMb: YOUNG_HEAP_MB,
        onMessage: (message) => {
          const { number, error } = message as SenderReport;
          this.#settle(number, error);
        },
        // Payments do not depend on it: what it was sending is lost, and that is said and counted.
        onDeath: (reason) => this.#lose(reason),
      },
      logger,
    );
  }

  /** How many times the thread had to be replaced. */
  get replacedCount(): number {
    return this.#life.replacedCount;
  }

  export(spans: ReadableSpan[], onResult: (result: ExportResult) => void): void {
    const number = this.#nextNumber++;
    this.#underWay.set(number, { spanCount: spans.length, onResult });
    const isPosted = this.#life.post({ number, spans: QueuedSpan.messagesOf(spans) } satisfies SenderCommand);
    this.#clock.adjust();
    if (!isPosted) this.#settle(number, "the sender's thread is being replaced");
  }

  /** Ends the thread, whatever it is doing. */
  async shutdown(): Promise<void> {
    await this.#life.stop();
    this.#lose("the sender has ended");
  }

  /** What the thread had in hand has ended with it. */
  #lose(reason: string): void {
    for (const number of [...this.#underWay.keys()]) this.#settle(number, reason);
  }

  #settle(number: number, error: string | undefined): void {
    const batch = this.#underWay.get(number);
    if (batch === undefined) return;
    this.#underWay.delete(number);
    if (error === undefined) this.exportedCount += batch.spanCount;
    else this.failedCount += batch.spanCount;
    this.#note(error);
    const code = error === undefined ? ExportResultCode.SUCCESS : ExportResultCode.FAILED;
    batch.onResult({ code, ...(error !== undefined && { error: new Error(error) }) });
  }

  #note(error: string | undefined): void {
    const isFailing = error !== undefined;
    if (isFailing === this.#isFailing) return;
    this.#isFailing = isFailing;
    if (isFailing) this.#logger.warn({ reason: error }, "the trace collector does not take spans: they are lost");
    else this.#logger.warn("the trace collector takes spans again");
  }
}
