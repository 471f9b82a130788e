/**
 * A collector that takes every batch of spans and does nothing with it, so that only the sending is measured.
 * `node build/perf/lab/telemetry/collector.js <port>`
 */
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";

const EXPORT = {
  path: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
  requestStream: false,
  responseStream: false,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};
/** An ExportTraceServiceResponse without fields: all was taken. */
const ALL_TAKEN = Buffer.alloc(0);

const server = new Server();
server.addService(
  { Export: EXPORT },
  { Export: (_call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => answer(null, ALL_TAKEN) },
);
server.bindAsync(`127.0.0.1:${process.argv[2]}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
});
process.on("SIGTERM", () => process.exit(0));

function same(bytes: Buffer): Buffer {
  return bytes;
}
