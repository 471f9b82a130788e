/** The thread that sends spans: encodes batches and speaks gRPC, with the SDK's own exporter. */
import { parentPort, workerData } from "node:worker_threads";
import type { SpanContext } from "@opentelemetry/api";
import { ExportResultCode, hrTimeDuration, TraceState } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { resourceOf, SCOPE } from "./resource.ts";
import type { SenderCommand, SenderData, SenderReport, SpanMessage } from "./span-message.ts";

const exporter = new OTLPTraceExporter();
const resource = resourceOf((workerData as SenderData).instance);

parentPort!.on("message", (command: SenderCommand) => {
  exporter.export(command.spans.map(readable), ({ code, error }) => {
    const reason = code === ExportResultCode.SUCCESS ? undefined : (error?.message ?? "unknown");
    parentPort!.postMessage({ number: command.number, error: reason } satisfies SenderReport);
  });
});

function readable(span: SpanMessage): ReadableSpan {
  const { name, kind, startTime, endTime, status, attributes, events, droppedCounts } = span;
  const context = contextOf(span.context);
  return {
    name,
    kind,
    spanContext: () => context,
    ...(span.parent && { parentSpanContext: contextOf(span.parent) }),
    startTime,
    endTime,
    duration: hrTimeDuration(startTime, endTime),
    ended: true,
    status,
    attributes,
    links: span.links.map((link) => ({
      context: contextOf(link.context),
      ...(link.attributes && { attributes: link.attributes }),
    })),
    events,
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: droppedCounts[0],
    droppedEventsCount: droppedCounts[1],
    droppedLinksCount: droppedCounts[2],
  };
}

function contextOf({ traceState, isRemote, ...context }: SpanMessage["context"]): SpanContext {
  return {
    ...context,
    ...(isRemote !== undefined && { isRemote }),
    ...(traceState !== undefined && { traceState: new TraceState(traceState) }),
  };
}
