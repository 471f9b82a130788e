/** The thread that sends spans: encodes batches and speaks gRPC, with the SDK's own exporter. */
import { parentPort, workerData } from "node:worker_threads";
import { ExportResultCode } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { ReadableSpans } from "./readable-spans.ts";
import type { SenderCommand, SenderData, SenderReport } from "./span-message.ts";

const exporter = new OTLPTraceExporter();
const readable = new ReadableSpans(workerData as SenderData);

parentPort!.on("message", ({ number, spans }: SenderCommand) => {
  exporter.export(readable.from(spans), ({ code, error }) => {
    const reason = code === ExportResultCode.SUCCESS ? undefined : (error?.message ?? "unknown");
    parentPort!.postMessage({ number, error: reason } satisfies SenderReport);
  });
});
