import { once } from "node:events";
import { createServer as createTcpServer } from "node:net";
import { loadPackageDefinition, Server, ServerCredentials, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { until } from "../../e2e/until.ts";

const PROTO_DIR = "test/server/telemetry/opentelemetry-proto";
const SERVICE_PROTO = "opentelemetry/proto/collector/trace/v1/trace_service.proto";

type Value = { value: string; [kind: string]: unknown };
type KeyValue = { key: string; value: Value };
type WireSpan = {
  traceId: Buffer;
  spanId: Buffer;
  parentSpanId: Buffer;
  traceState: string;
  name: string;
  kind: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: KeyValue[];
  links: { traceId: Buffer; spanId: Buffer }[];
  events: { name: string; attributes: KeyValue[] }[];
  status: { code: string } | null;
};
type ExportRequest = {
  resourceSpans: { resource: { attributes: KeyValue[] }; scopeSpans: { spans: WireSpan[] }[] }[];
};
type Call = { request: ExportRequest; metadata: { getMap(): Record<string, unknown> } };
type Answer = (error: null, response: object) => void;

type Attributes = Record<string, unknown>;

/** A span as the collector received it; ids in hex, "" where there is none. */
export type CollectedSpan = {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  traceState: string;
  name: string;
  kind: string;
  startMs: number;
  endMs: number;
  attributes: Attributes;
  resource: Attributes;
  links: { traceId: string; spanId: string }[];
  events: { name: string; attributes: Attributes }[];
  isError: boolean;
};

/**
 * An OTLP collector for traces: a real gRPC server with the public protocol definition, which keeps what it is sent.
 */
export class Collector {
  readonly spans: CollectedSpan[] = [];
  /** gRPC metadata of the last export. */
  metadata: Record<string, unknown> = {};
  /** Whether exports are never answered. */
  isSilent = false;
  exportCount = 0;
  readonly #server = new Server();
  #port = 0;

  static start(port = 0): Promise<Collector> {
    return Collector.startAt(`127.0.0.1:${port}`, ServerCredentials.createInsecure());
  }

  /** At an address as gRPC names it. */
  static async startAt(address: string, credentials: ServerCredentials): Promise<Collector> {
    const collector = new Collector();
    collector.#server.addService(traceService(), {
      Export: (call: Call, answer: Answer) => collector.#export(call, answer),
    });
    collector.#port = await new Promise((resolve, reject) => {
      collector.#server.bindAsync(address, credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
    });
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  /** The spans of a trace, once there are `count` of them. */
  async trace(traceId: string, count: number): Promise<CollectedSpan[]> {
    const found = () => this.spans.filter((span) => span.traceId === traceId);
    await until(`the collector has ${count} spans of a trace`, () => found().length >= count);
    return found();
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  #export({ request, metadata }: Call, answer: Answer): void {
    this.exportCount++;
    this.metadata = metadata.getMap();
    if (this.isSilent) return;
    for (const { resource, scopeSpans } of request.resourceSpans) {
      const from = attributesOf(resource.attributes);
      for (const { spans } of scopeSpans) for (const span of spans) this.spans.push(collected(span, from));
    }
    answer(null, {});
  }
}

/** What an export asks for, as the public protocol definition reads it. */
export function decodeExport(bytes: Uint8Array): unknown {
  return traceService()["Export"]!.requestDeserialize(Buffer.from(bytes));
}

/** An address nobody listens on. */
export async function deadEndpoint(): Promise<string> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${port}`;
}

function traceService(): ServiceClientConstructor["service"] {
  const definition = loadSync(SERVICE_PROTO, { includeDirs: [PROTO_DIR], enums: String, defaults: true, oneofs: true });
  let found: unknown = loadPackageDefinition(definition);
  for (const part of "opentelemetry.proto.collector.trace.v1.TraceService".split("."))
    found = (found as Record<string, unknown>)[part];
  return (found as ServiceClientConstructor).service;
}

function collected(span: WireSpan, resource: Attributes): CollectedSpan {
  return {
    traceId: span.traceId.toString("hex"),
    spanId: span.spanId.toString("hex"),
    parentSpanId: span.parentSpanId.toString("hex"),
    traceState: span.traceState,
    name: span.name,
    kind: span.kind.replace("SPAN_KIND_", ""),
    startMs: Number(span.startTimeUnixNano) / 1e6,
    endMs: Number(span.endTimeUnixNano) / 1e6,
    attributes: attributesOf(span.attributes),
    resource,
    links: span.links.map((link) => ({ traceId: link.traceId.toString("hex"), spanId: link.spanId.toString("hex") })),
    events: span.events.map(({ name, attributes }) => ({ name, attributes: attributesOf(attributes) })),
    isError: span.status?.code === "STATUS_CODE_ERROR",
  };
}

function attributesOf(list: readonly KeyValue[]): Attributes {
  return Object.fromEntries(
    list.map(({ key, value }) => {
      const plain = value[value.value];
      return [key, value.value === "intValue" ? Number(plain) : plain];
    }),
  );
}
