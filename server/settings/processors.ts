import { readFileSync } from "node:fs";
import type { Dialect } from "../../core/answers/dialect.ts";
import { PROCESSOR_NAME_BYTES_MAX } from "../../core/log/journal-header.ts";
import { PROCESSORS_MAX } from "../../core/values/processor.ts";
import { type Fee, readFee } from "../text/fee.ts";
import { hasUsableCredentials, withoutCredentials } from "../text/url-credentials.ts";
import { readDialect } from "./answers.ts";
import { FieldReader } from "./json-fields.ts";
import { readTls, type TlsConfig } from "./tls.ts";

/** A payment processor as it is configured. Its number is its place in the list. */
export type ProcessorConfig = {
  /** What summaries, journals and people call it. */
  readonly name: string;
  /** http or https; a user in it becomes an Authorization header. */
  readonly url: URL;
  readonly fee: Fee;
  /** Most POSTs out to it at once, over all instances. */
  readonly maxInFlight: number;
  /** Sent with every request. Values are secrets: never in a log, an error or an answer. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly dialect: Dialect;
  /** For https only. */
  readonly tls: TlsConfig | undefined;
};

export const MAX_IN_FLIGHT_MAX = 4096;
const PATH = /^\.{0,2}\/|\.json$/;
const NAME = new RegExp(`^[A-Za-z0-9._-]{1,${PROCESSOR_NAME_BYTES_MAX}}$`);
/** Metrics call so what no processor has: a payment that was given up while it was pending. */
const NOBODY = "none";
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Written by us, or about the connection, which is ours. */
const RESERVED_HEADERS = ["host", "content-type", "content-length", "expect"].concat([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);
const MEMBERS = ["name", "url", "fee", "maxInFlight", "headers", "answers", "believesNotFound", "tls"];

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The processors in `text`: a JSON array, or the path of a file with one. Returns them, or all that is wrong with them,
 * a line each, in which no secret stands. Never throws. `maxInFlight`: of those that say nothing of it.
 */
export function readProcessors(
  text: string,
  maxInFlight: number,
  environment: Environment,
): readonly ProcessorConfig[] | string[] {
  const reader = new FieldReader("PROCESSORS", environment);
  const list = parse(reader, text);
  if (list === undefined) return reader.errors;
  if (list.length < 1 || list.length > PROCESSORS_MAX)
    return [`PROCESSORS must be 1 to ${PROCESSORS_MAX} processors: count=${list.length}`];
  const processors = list.map((value, i) => {
    reader.place = `PROCESSORS[${i}]`;
    return readProcessor(reader, value, maxInFlight);
  });
  reader.place = "PROCESSORS";
  const addresses = processors.map(({ url }) => url.origin + url.pathname.replace(/\/$/, ""));
  const names = processors.map(({ name }) => name);
  expectDifferent(reader, "name", names);
  expectDifferent(reader, "url", addresses);
  return reader.errors.length > 0 ? reader.errors : processors;
}

/** What is not plainly a path is not shown: it may be JSON with secrets in it. */
function parse(reader: FieldReader, text: string): unknown[] | undefined {
  const isPath = PATH.test(text) && !/["{[]/.test(text);
  const rule = "must be a JSON array, or the path of a file with one";
  try {
    const value: unknown = JSON.parse(isPath ? readFileSync(text, "utf8") : text);
    if (Array.isArray(value)) return value;
    reader.refuse("", rule, isPath ? text : "");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // What a parser says may quote a secret; where it stumbled does not.
    const why = code ?? ["no JSON", ...(/at position \d+/.exec(message) ?? [])].join(" ");
    reader.refuse("", rule, isPath ? `${text} ${why}` : why);
  }
  return undefined;
}

function readProcessor(reader: FieldReader, value: unknown, maxInFlight: number): ProcessorConfig {
  const fields = reader.object("", value, MEMBERS);
  const url = readUrl(reader, fields["url"]);
  return {
    name: readName(reader, fields["name"]),
    url,
    fee: readShare(reader, fields["fee"]),
    maxInFlight: readMaxInFlight(reader, fields["maxInFlight"], maxInFlight),
    headers: readHeaders(reader, fields["headers"], url),
    dialect: readDialect(reader, fields["answers"], fields["believesNotFound"]),
    tls: readTls(reader, fields["tls"], url),
  };
}

function readName(reader: FieldReader, value: unknown): string {
  const isText = typeof value === "string";
  if (isText && NAME.test(value) && value !== NOBODY) return value;
  const rule = `must be 1 to ${PROCESSOR_NAME_BYTES_MAX} letters, digits, dots, dashes or underscores, not "${NOBODY}"`;
  reader.refuse("name", rule, `name=${JSON.stringify(value)}`);
  // Such that it is like no other.
  return reader.place;
}

function readUrl(reader: FieldReader, value: unknown): URL {
  const text = typeof value === "string" ? value : "";
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // A query may be a secret too.
  const shown = `url=${withoutCredentials(text).replace(/[?#].*/, "")}`;
  const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
  if (url === undefined || !isHttp || url.hostname === "") reader.refuse("url", "must be an http or https URL", shown);
  else if (url.search !== "" || url.hash !== "")
    reader.refuse("url", "must be a URL without query and fragment", shown);
  else if (!hasUsableCredentials(url))
    reader.refuse("url", "must have a user without a colon, and user and password percent-encoded");
  else return url;
  return new URL(`http://${reader.place.replace(/\D/g, "")}.invalid`);
}

function readShare(reader: FieldReader, value: unknown): Fee {
  const fee = typeof value === "number" || typeof value === "string" ? readFee(String(value)) : undefined;
  if (fee === undefined) reader.refuse("fee", "must be a decimal from 0 to 1", `fee=${JSON.stringify(value)}`);
  return fee ?? { text: "0", units: 0n, scale: 0 };
}

function readMaxInFlight(reader: FieldReader, value: unknown, fallback: number): number {
  return value === undefined ? fallback : reader.count("maxInFlight", value, 1, MAX_IN_FLIGHT_MAX);
}

function readHeaders(reader: FieldReader, value: unknown, url: URL): [string, string][] {
  const entries = Object.entries(value === undefined ? {} : reader.object("headers", value));
  const taken = new Set(url.username + url.password === "" ? [] : ["authorization"]);
  return entries.map(([name, wish]) => {
    const member = `headers.${name}`;
    const text = reader.secret(member, wish);
    const inLowerCase = name.toLowerCase();
    if (!HEADER_NAME.test(name)) reader.refuse("headers", "must have names of header fields", name);
    else if (RESERVED_HEADERS.includes(inLowerCase)) reader.refuse(member, "is set by the service");
    else if (taken.has(inLowerCase)) reader.refuse(member, "must be said once, in the URL or here, in any case");
    if (!HEADER_VALUE.test(text)) reader.refuse(member, "must be one line of Latin-1 text");
    taken.add(inLowerCase);
    return [name, text];
  });
}

function expectDifferent(reader: FieldReader, member: string, values: readonly string[]): void {
  const twice = new Set(values.filter((value, i) => values.indexOf(value) < i));
  for (const value of twice) reader.refuse("", `must have different ${member}s`, `${member}=${value}`);
}
