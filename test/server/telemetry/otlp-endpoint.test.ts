import { expect } from "chai";
import { parseOtlpEndpoint } from "../../../server/telemetry/otlp-endpoint.ts";

describe("OTLP endpoint", () => {
  const understood: [text: string, target: string, isTls: boolean][] = [
    ["http://localhost:4317", "localhost:4317", false],
    ["HTTP://Collector.Example:4317/", "collector.example:4317", false],
    ["http://collector:4317/v1/traces", "collector:4317", false],
    ["http://collector:80", "collector:80", false],
    ["http://collector", "collector:80", false],
    ["http://collector:443", "collector:443", false],
    ["http://[::1]:4317", "[::1]:4317", false],
    ["https://collector:4317", "collector:4317", true],
    ["https://collector", "collector:443", true],
    ["https://collector:80", "collector:80", true],
    ["collector:4317", "collector:4317", true],
    ["otel_collector:4317", "otel_collector:4317", true],
    ["127.0.0.1:4317", "127.0.0.1:4317", true],
    ["[::1]:4317", "[::1]:4317", true],
    ["dns:collector:4317", "collector:4317", true],
    ["dns:///collector:4317", "collector:4317", true],
    ["ipv4:127.0.0.1:4317", "127.0.0.1:4317", true],
    ["ipv6:[::1]:4317", "[::1]:4317", true],
    ["unix:/run/otel.sock", "unix:///run/otel.sock", true],
    ["unix:///run/otel.sock", "unix:///run/otel.sock", true],
    ["unix:otel.sock", `unix://${process.cwd()}/otel.sock`, true],
  ];
  for (const [text, target, isTls] of understood) {
    it(`understands ${text}`, () => {
      expect(parseOtlpEndpoint(text, false)).to.deep.equal({ target, isTls });
      // What http and https say counts more than the variable.
      const isUrl = /^https?:/i.test(text);
      expect(parseOtlpEndpoint(text, true)).to.deep.equal({ target, isTls: isUrl && isTls });
    });
  }

  const refused: [text: string, rule: RegExp][] = [
    ["collector", /TLS unless OTEL_EXPORTER_OTLP_INSECURE=true/],
    ["dns:collector", /<host>:<port>/],
    ["dns://8.8.8.8/collector:4317", /dns:<host>:<port>/],
    ["::1:4317", /ipv6:\[<address>\]:<port>/],
    ["collector:4317/v1/traces", /must be http:/],
    ["grpc://collector:4317", /must be http:/],
    ["ftp://collector:4317", /must be http:/],
    ["http:collector:4317", /must be http:/],
    ["http:/collector:4317", /must be http:/],
    ["http://", /must be http:/],
    ["http://collector:0", /must be http:/],
    ["collector:0", /must be http:/],
    ["collector:65536", /must be http:/],
    ["http://collector:65536", /must be http:/],
    ["ipv4:127.0.0.1:1,127.0.0.2:1", /must be http:/],
    ["unix-abstract:otel", /must be http:/],
    ["xds:///collector", /must be http:/],
    ["user:word@collector:4317", /must be http:/],
    ["http://user:word@collector:4317", /OTEL_EXPORTER_OTLP_HEADERS/],
    ["https://token@collector:4317", /OTEL_EXPORTER_OTLP_HEADERS/],
    ["http://collector:4317?a=b", /neither query nor fragment/],
    ["http://collector:4317/#a", /neither query nor fragment/],
    ["unix:", /must name a path/],
    ["unix://host/otel.sock", /must name a path/],
    [`unix:/${"x".repeat(107)}`, /107 bytes at most/],
  ];
  for (const [text, rule] of refused) {
    it(`refuses ${text.slice(0, 40)}`, () => expect(parseOtlpEndpoint(text, false)).to.match(rule));
  }
});
