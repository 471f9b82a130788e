/** The thread that sends spans: encodes batches and speaks gRPC, by the means of the SDK's own exporter. */
import { parentPort, workerData } from "node:worker_threads";
import { ExportResultCode } from "@opentelemetry/core";
import { convertLegacyOtlpGrpcOptions, createOtlpGrpcExportDelegate } from "@opentelemetry/otlp-grpc-exporter-base";
import { readSpanLimits } from "./span-limits.ts";
import type { SenderCommand, SenderData, SenderReport } from "./span-message.ts";
import { SpanSerializer } from "./span-serializer.ts";

const exporter = createOtlpGrpcExportDelegate(
  convertLegacyOtlpGrpcOptions({}, "TRACES"),
  new SpanSerializer(workerData as SenderData, readSpanLimits()),
  "TraceExportService",
  "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
);

parentPort!.on("message", ({ number, spans }: SenderCommand) => {
  exporter.export(spans, ({ code, error }) => {
    const reason = code === ExportResultCode.SUCCESS ? undefined : (error?.message ?? "unknown");
    parentPort!.postMessage({ number, error: reason } satisfies SenderReport);
  });
});
