import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { OtelVariables } from "./otel-variables.ts";

const TIMEOUT_MS_MAX = 600_000;

/**
 * What the exporter reads by itself, checked before it does: it leaves out a header or a certificate that it cannot use
 * without a word, and for some it makes no exporter at all.
 */
export function checkExporter(variables: OtelVariables): void {
  variables.wholeNumber(variables.signalName("TIMEOUT"), 1, TIMEOUT_MS_MAX);
  variables.oneOf(variables.signalName("COMPRESSION"), ["none", "gzip"]);
  // The exporter merges the two.
  for (const name of ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"]) checkHeaders(variables, name);
  checkCertificates(variables);
}

/** Those that HTTP/2 does not allow, with which gRPC tries again without end, and those that gRPC writes itself. */
const NOT_OURS = [
  "connection",
  "content-length",
  "content-type",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
  "user-agent",
];

/** Never shows a header: it may be a secret, and so may what was meant for its name. */
function checkHeaders(variables: OtelVariables, name: string): void {
  for (const [index, entry] of variables.text(name).split(",").entries()) {
    const rule = entry.trim() === "" ? undefined : headerRule(entry);
    if (rule !== undefined) variables.refuseSecret(name, rule, `*** (entry ${index + 1})`);
  }
}

/** The rule that `name=value` breaks. */
function headerRule(entry: string): string | undefined {
  const form = "must be name=value, comma-separated, percent-encoded (%2C for a comma, %3B for a semicolon)";
  const [, rawName, rawValue] = /^([^=;]+)=([^;]+)$/.exec(entry) ?? [];
  const name = rawName && decode(rawName.trim())?.toLowerCase();
  const value = rawValue && decode(rawValue.trim());
  if (!name || !value) return form;
  if (!/^[0-9a-z_.-]+$/.test(name)) return "must have names of letters, digits, _ . and -";
  if (name.endsWith("-bin")) return "must have no binary header (-bin)";
  if (name.startsWith("grpc-") || NOT_OURS.includes(name))
    return `must have no header of HTTP/2 or gRPC, such as ${name}`;
  if (!/^[ -~]+$/.test(value)) return "must have values of visible ASCII characters and spaces";
  return undefined;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function checkCertificates(variables: OtelVariables): void {
  const roots = variables.signalName("CERTIFICATE");
  const keyName = variables.signalName("CLIENT_KEY");
  const certificateName = variables.signalName("CLIENT_CERTIFICATE");
  if (roots) readPem(variables, roots, "certificates", (pem) => new X509Certificate(pem));
  const key = keyName && readPem(variables, keyName, "a private key", createPrivateKey);
  const certificate =
    certificateName && readPem(variables, certificateName, "certificates", (pem) => new X509Certificate(pem));
  if (keyName && !certificateName)
    variables.refuse(keyName, "must have OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE beside it");
  if (certificateName && !keyName)
    variables.refuse(certificateName, "must have OTEL_EXPORTER_OTLP_CLIENT_KEY beside it");
  if (key && certificate && !certificate.checkPrivateKey(key))
    variables.refuse(keyName, "must be the certificate's key");
}

/** What is in the file a variable names; undefined, and refused, if it is not that. */
function readPem<T>(variables: OtelVariables, name: string, what: string, parse: (pem: Buffer) => T): T | undefined {
  try {
    return parse(readFileSync(variables.text(name)));
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    variables.refuse(name, `must be a readable file with ${what} in PEM (${code})`);
    return undefined;
  }
}
