import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { checkExporter } from "../../../server/telemetry/exporter-checks.ts";
import { OtelVariables } from "../../../server/telemetry/otel-variables.ts";

const HEADERS = "OTEL_EXPORTER_OTLP_HEADERS";
const SECRET = "hunter2";

function errorsOf(environment: Record<string, string>): string[] {
  const errors: string[] = [];
  checkExporter(new OtelVariables(environment, errors));
  return errors;
}

describe("headers for the trace collector", () => {
  for (const text of [
    "",
    `authorization=Basic%20${SECRET}`,
    "api-key=a, x.tenant_id = b ,",
    "Authorization=Bearer a=b==",
    "x=%2C%3B%3D",
    "x=a b",
  ]) {
    it(`may be "${text}"`, () => expect(errorsOf({ [HEADERS]: text })).to.deep.equal([]));
  }

  const refused: [text: string, rule: RegExp][] = [
    [SECRET, /must be name=value/],
    [`=${SECRET}`, /must be name=value/],
    ["authorization=", /must be name=value/],
    [`authorization=${SECRET};x`, /%3B for a semicolon/],
    [`x=${SECRET}%`, /percent-encoded/],
    [`x=${SECRET}%ff`, /percent-encoded/],
    [`a b=${SECRET}`, /must have names of/],
    [`:path=${SECRET}`, /must have names of/],
    [`caf\u00e9=${SECRET}`, /must have names of/],
    [`x=${SECRET}\u00e9`, /must have values of visible/],
    [`x=${SECRET}%0Ay`, /must have values of visible/],
    [`trace-bin=${SECRET}`, /must have no binary header/],
    [`grpc-timeout=${SECRET}`, /such as grpc-timeout/],
    [`Connection=${SECRET}`, /such as connection/],
    [`content-length=${SECRET}`, /such as content-length/],
    [`user-agent=${SECRET}`, /such as user-agent/],
  ];
  for (const [text, rule] of refused) {
    it(`must not be "${text.replace("\n", "\\n")}", and the refusal does not show it`, () => {
      for (const name of [HEADERS, "OTEL_EXPORTER_OTLP_TRACES_HEADERS"]) {
        const errors = errorsOf({ [name]: `api-key=a,${text}` });
        expect(errors).to.have.length(1);
        expect(errors[0])
          .to.match(rule)
          .and.match(new RegExp(`^${name} .*: ${name}=\\*{3} \\(entry 2\\)$`));
        expect(errors[0]).to.not.contain(SECRET);
      }
    });
  }
});

describe("certificates for the trace collector", () => {
  let directory: string;
  const path = (name: string): string => join(directory, name);

  before(function () {
    directory = mkdtempSync(join(tmpdir(), "rinha-otlp-"));
    writeFileSync(path("garbage.pem"), "garbage");
    for (const name of ["a", "b"]) {
      const files = ["-keyout", path(`${name}.key`), "-out", path(`${name}.pem`)];
      const options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
      try {
        execFileSync("openssl", ["req", "-x509", "-subj", "/CN=localhost", ...options, ...files], { stdio: "ignore" });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        this.test!.title += " (skipped: there is no openssl)";
        this.skip();
      }
    }
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  it("may be those of files", () => {
    const environment = {
      OTEL_EXPORTER_OTLP_CERTIFICATE: path("a.pem"),
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: path("b.pem"),
      OTEL_EXPORTER_OTLP_CLIENT_KEY: path("b.key"),
    };
    expect(errorsOf(environment)).to.deep.equal([]);
  });

  const refused: [what: string, environment: Record<string, string>, rule: RegExp][] = [
    ["missing", { CERTIFICATE: "none.pem" }, /must be a readable file with certificates in PEM \(ENOENT\)/],
    ["a directory", { CERTIFICATE: "." }, /\(EISDIR\)/],
    ["no certificates", { CERTIFICATE: "garbage.pem" }, /with certificates in PEM/],
    ["a missing key", { CLIENT_CERTIFICATE: "a.pem", CLIENT_KEY: "none.key" }, /a private key in PEM \(ENOENT\)/],
    ["no key", { CLIENT_CERTIFICATE: "a.pem", CLIENT_KEY: "a.pem" }, /a private key in PEM/],
    ["a certificate without its key", { CLIENT_CERTIFICATE: "a.pem" }, /must have .*CLIENT_KEY beside it/],
    ["a key without its certificate", { CLIENT_KEY: "a.key" }, /must have .*CLIENT_CERTIFICATE beside it/],
    ["another's key", { CLIENT_CERTIFICATE: "a.pem", CLIENT_KEY: "b.key" }, /must be the certificate's key/],
  ];
  for (const [what, files, rule] of refused) {
    it(`must not be ${what}`, () => {
      for (const prefix of ["OTEL_EXPORTER_OTLP_", "OTEL_EXPORTER_OTLP_TRACES_"]) {
        const environment = Object.entries(files).map(([name, file]) => [`${prefix}${name}`, path(file)]);
        const errors = errorsOf(Object.fromEntries(environment));
        expect(errors).to.have.length(1);
        expect(errors[0]).to.match(rule);
      }
    });
  }
});
