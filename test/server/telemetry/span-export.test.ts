import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServerCredentials } from "@grpc/grpc-js";
import { expect } from "chai";
import { type Logger, pino } from "pino";
import { parseOtlpEndpoint } from "../../../server/settings/otlp-endpoint.ts";
import { SpanExport } from "../../../server/telemetry/span-export.ts";
import type { RequestSpan } from "../../../server/telemetry/span-message.ts";
import { until } from "../../e2e/until.ts";
import { Collector } from "./collector.ts";

const A_SPAN: RequestSpan = {
  what: "request",
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  parentSpanId: "",
  traceState: "",
  startMs: 0,
  endMs: 0,
  errorType: "",
  method: "GET",
  route: "/a-span",
  path: "/a-span",
  client: "",
  status: 200,
  correlationId: "",
  cents: 0,
  outcome: "",
};
/** Read by the SDK: how long it gathers spans, and how long the exporter tries. */
const VARIABLES = { OTEL_BSP_SCHEDULE_DELAY: "20", OTEL_EXPORTER_OTLP_TIMEOUT: "5000" };
const CERTIFICATE = "OTEL_EXPORTER_OTLP_CERTIFICATE";

/**
 * One span through the exporter and its thread, to an endpoint as somebody writes it. Says how many spans arrived
 * there.
 */
async function exportTo(text: string, logger: Logger, isInsecure = false): Promise<number> {
  const endpoint = parseOtlpEndpoint(text, isInsecure);
  if (typeof endpoint === "string") throw new Error(`must be an endpoint: ${endpoint}`);
  const spans = new SpanExport({ instance: 0, processors: [] }, endpoint, logger);
  spans.end({ ...A_SPAN, startMs: spans.clock.nowMs() });
  await until("the span is sent or given up", () => spans.exportedSpanCount + spans.failedSpanCount > 0);
  await spans.close();
  return spans.exportedSpanCount;
}

describe("span export", function () {
  this.timeout(20_000);
  const silent = pino({ level: "silent" });
  const socket = (name: string): string => join(directory, name);
  let directory: string;
  let plain: Collector;
  let plainSocket: Collector;
  let secure: Collector | undefined;

  before(async () => {
    Object.assign(process.env, VARIABLES);
    directory = mkdtempSync(join(tmpdir(), "rinha-otlp-"));
    plain = await Collector.start();
    plainSocket = await Collector.startAt(`unix:${socket("plain.sock")}`, ServerCredentials.createInsecure());
    const files = ["-keyout", socket("key.pem"), "-out", socket("cert.pem")];
    const options = [
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-days",
      "1",
      "-addext",
      "subjectAltName=DNS:localhost,IP:127.0.0.1",
    ];
    try {
      execFileSync("openssl", ["req", "-x509", "-subj", "/CN=localhost", ...options, ...files], { stdio: "ignore" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      return;
    }
    const [key, certificate] = ["key.pem", "cert.pem"].map((name) => readFileSync(socket(name))) as [Buffer, Buffer];
    const pair = [{ private_key: key, cert_chain: certificate }];
    secure = await Collector.startAt("127.0.0.1:0", ServerCredentials.createSsl(null, pair));
  });

  after(() => {
    for (const name of Object.keys(VARIABLES)) delete process.env[name];
    for (const collector of [plain, plainSocket, secure]) collector?.stop();
    rmSync(directory, { recursive: true });
  });

  const plainForms: Record<string, () => string> = {
    "an http URL": () => `http://127.0.0.1:${plain.port}`,
    "an http URL in capitals, with a path": () => `HTTP://LOCALHOST:${plain.port}/v1/traces`,
  };
  for (const [what, text] of Object.entries(plainForms)) {
    it(`reaches ${what} in plain text`, async () => {
      const before = plain.spans.length;
      expect(await exportTo(text(), silent)).to.equal(1);
      expect(plain.spans.length).to.equal(before + 1);
    });
  }

  const names: Record<string, () => string> = {
    "a host and a port": () => `localhost:${plain.port}`,
    "a name for DNS": () => `dns:///localhost:${plain.port}`,
    "an IPv4 address": () => `ipv4:127.0.0.1:${plain.port}`,
    "a socket": () => `unix:${socket("plain.sock")}`,
    "a socket by a URL": () => `unix://${socket("plain.sock")}`,
  };
  for (const [what, text] of Object.entries(names)) {
    it(`reaches ${what} in plain text where that is asked for`, async () => {
      const before = plain.spans.length + plainSocket.spans.length;
      expect(await exportTo(text(), silent, true)).to.equal(1);
      expect(plain.spans.length + plainSocket.spans.length).to.equal(before + 1);
    });
  }

  const secureForms: Record<string, () => string> = {
    "an https URL": () => `https://localhost:${secure!.port}`,
    "a host and a port without a scheme": () => `localhost:${secure!.port}`,
    "a name for DNS": () => `dns:localhost:${secure!.port}`,
  };
  for (const [what, text] of Object.entries(secureForms)) {
    it(`reaches ${what} by TLS`, async function () {
      if (!secure) return this.skip();
      process.env[CERTIFICATE] = socket("cert.pem");
      try {
        expect(await exportTo(text(), silent)).to.equal(1);
        expect(secure.spans.map(({ name }) => name)).to.include("GET /a-span");
      } finally {
        delete process.env[CERTIFICATE];
      }
    });
  }

  it("says where spans go and whether by TLS, so that a missing scheme is seen", async () => {
    const lines: Record<string, unknown>[] = [];
    const logger = pino({ level: "info" }, { write: (line: string) => lines.push(JSON.parse(line)) });
    expect(await exportTo(`localhost:${plain.port}`, logger)).to.equal(0);
    const collector = { collector: `localhost:${plain.port}`, tls: true };
    expect(lines[0]).to.include({ ...collector, msg: "spans go to the trace collector" });
    expect(lines.map(({ msg }) => msg)).to.include("spans were lost");
  });
});
