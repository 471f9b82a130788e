import { readFileSync } from "node:fs";
import { CONTEST, type Dialect } from "../../core/answers/dialect.ts";
import { PROCESSOR_NAME_BYTES_MAX } from "../../core/log/journal-header.ts";
import * as Outcome from "../../core/values/outcome.ts";
import { PROCESSORS_MAX } from "../../core/values/processor.ts";
import { type Fee, readFee } from "../text/fee.ts";
import { hasUsableCredentials, withoutCredentials } from "../text/url-credentials.ts";

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

/** PEM texts: authorities to be trusted besides the usual ones, and a client certificate with its key. */
export type TlsConfig = { readonly ca?: string; readonly cert?: string; readonly key?: string };

export const MAX_IN_FLIGHT_MAX = 4096;
const NAME = new RegExp(`^[A-Za-z0-9._-]{1,${PROCESSOR_NAME_BYTES_MAX}}$`);
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Written by us, or nobody else's business. */
const RESERVED_HEADERS = ["host", "content-type", "content-length", "connection", "transfer-encoding", "expect"];
const MEMBERS = ["name", "url", "fee", "maxInFlight", "headers", "answers", "believesNotFound", "tls"];
const TLS_MEMBERS = ["ca", "cert", "key"] as const;

/** What statuses of a POST can be said to prove. */
const PROOFS: Readonly<Record<string, number>> = {
  charged: Outcome.ALREADY_CHARGED,
  refused: Outcome.REJECTED,
  misconfigured: Outcome.MISCONFIGURED,
  overloaded: Outcome.OVERLOADED,
  unclear: Outcome.UNCLEAR,
};

type Environment = Readonly<Record<string, string | undefined>>;
type Fields = Readonly<Record<string, unknown>>;

/**
 * The processors in `text`: a JSON array, or the path of a file with one. Returns them, or all that is wrong with them,
 * a line each, in which no secret stands. Never throws.
 */
export function readProcessors(
  text: string,
  maxInFlight: number,
  environment: Environment,
): readonly ProcessorConfig[] | string[] {
  const reader = new ProcessorsReader(maxInFlight, environment);
  const processors = reader.read(text);
  return reader.errors.length > 0 ? reader.errors : processors;
}

class ProcessorsReader {
  readonly errors: string[] = [];
  readonly #maxInFlight: number;
  readonly #environment: Environment;
  /** The processor being read. */
  #place = "PROCESSORS";

  constructor(maxInFlight: number, environment: Environment) {
    this.#maxInFlight = maxInFlight;
    this.#environment = environment;
  }

  read(text: string): ProcessorConfig[] {
    const list = this.#parse(text);
    if (list === undefined) return [];
    if (list.length < 1 || list.length > PROCESSORS_MAX) {
      this.errors.push(`PROCESSORS must be 1 to ${PROCESSORS_MAX} processors: count=${list.length}`);
      return [];
    }
    const processors = list.map((value, i) => {
      this.#place = `PROCESSORS[${i}]`;
      return this.#processor(value);
    });
    this.#expectDifferent(
      "name",
      processors.map(({ name }) => name),
    );
    this.#expectDifferent(
      "url",
      processors.map(({ url }) => url.origin + url.pathname),
    );
    return processors;
  }

  #parse(text: string): unknown[] | undefined {
    const isPath = !/^\s*\[/.test(text);
    try {
      const value: unknown = JSON.parse(isPath ? readFileSync(text, "utf8") : text);
      if (Array.isArray(value)) return value;
      this.errors.push("PROCESSORS must be a JSON array, or the path of a file with one");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // What a parser says may quote a secret.
      const why = code === undefined ? "it is no JSON" : code;
      this.errors.push(`PROCESSORS must be a JSON array, or the path of a file with one: ${isPath ? text : ""} ${why}`);
    }
    return undefined;
  }

  #processor(value: unknown): ProcessorConfig {
    const fields = this.#object("", value, MEMBERS);
    const url = this.#url(fields["url"]);
    return {
      name: this.#name(fields["name"]),
      url,
      fee: this.#fee(fields["fee"]),
      maxInFlight: this.#count("maxInFlight", fields["maxInFlight"] ?? this.#maxInFlight, 1, MAX_IN_FLIGHT_MAX),
      headers: this.#headers(fields["headers"]),
      dialect: this.#dialect(fields),
      tls: this.#tls(fields["tls"], url),
    };
  }

  #refuse(member: string, rule: string, shown = ""): void {
    this.errors.push(`${this.#place}${member === "" ? "" : `.${member}`} ${rule}${shown === "" ? "" : `: ${shown}`}`);
  }

  #object(member: string, value: unknown, known: readonly string[] | undefined): Fields {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      this.#refuse(member, "must be an object");
      return {};
    }
    const unknown = known && Object.keys(value).filter((name) => !known.includes(name));
    if (unknown !== undefined && unknown.length > 0)
      this.#refuse(member, `has no such member, only ${known!.join(", ")}`, unknown.join(", "));
    return value as Fields;
  }

  #name(value: unknown): string {
    if (typeof value === "string" && NAME.test(value)) return value;
    this.#refuse("name", `must be 1 to ${PROCESSOR_NAME_BYTES_MAX} letters, digits, dots, dashes or underscores`);
    return this.#place;
  }

  #url(value: unknown): URL {
    const text = typeof value === "string" ? value : "";
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
    if (url === undefined || !isHttp || url.hostname === "")
      this.#refuse("url", "must be an http or https URL", `url=${withoutCredentials(text)}`);
    else if (url.search !== "" || url.hash !== "")
      this.#refuse("url", "must be a URL without query and fragment", `url=${withoutCredentials(text)}`);
    else if (!hasUsableCredentials(url))
      this.#refuse("url", "must have a user without a colon, and user and password percent-encoded");
    else return url;
    return new URL(`http://${this.#place.replace(/\D/g, "")}.invalid`);
  }

  #fee(value: unknown): Fee {
    const fee = typeof value === "number" || typeof value === "string" ? readFee(String(value)) : undefined;
    if (fee === undefined) this.#refuse("fee", "must be a decimal from 0 to 1", `fee=${JSON.stringify(value)}`);
    return fee ?? { text: "0", units: 0n, scale: 0 };
  }

  #count(member: string, value: unknown, min: number, max: number): number {
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
    this.#refuse(member, `must be a whole number from ${min} to ${max}`, `${member}=${JSON.stringify(value)}`);
    return min;
  }

  #flag(member: string, value: unknown, fallback: boolean): boolean {
    if (value === undefined || typeof value === "boolean") return value ?? fallback;
    this.#refuse(member, "must be true or false", `${member}=${JSON.stringify(value)}`);
    return fallback;
  }

  #headers(value: unknown): [string, string][] {
    if (value === undefined) return [];
    const entries = Object.entries(this.#object("headers", value, undefined));
    return entries.map(([name, wish]) => {
      const text = this.#secret(`headers.${name}`, wish);
      if (!HEADER_NAME.test(name)) this.#refuse("headers", "must have names of header fields", name);
      else if (RESERVED_HEADERS.includes(name.toLowerCase())) this.#refuse(`headers.${name}`, "is set by the service");
      if (!HEADER_VALUE.test(text)) this.#refuse(`headers.${name}`, "must be one line of Latin-1 text");
      return [name, text];
    });
  }

  /** A text, `{"env": "NAME"}` or `{"file": "PATH"}`. */
  #secret(member: string, wish: unknown): string {
    if (typeof wish === "string") return wish;
    const { env, file } = this.#object(member, wish, ["env", "file"]);
    if (typeof file === "string") return this.#file(member, file).replace(/\r?\n$/, "");
    const value = typeof env === "string" ? this.#environment[env] : undefined;
    if (value === undefined)
      this.#refuse(member, 'must be a text, {"env": "NAME"} of a set variable or {"file": "PATH"}');
    return value ?? "";
  }

  #file(member: string, path: string): string {
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      this.#refuse(member, "must be a file that can be read", `${path} ${(error as NodeJS.ErrnoException).code}`);
      return "";
    }
  }

  #dialect(fields: Fields): Dialect {
    const answers = fields["answers"] === undefined ? {} : fields["answers"];
    const known = ["success", "failing", "needsMessage", ...Object.keys(PROOFS)];
    const asked = this.#object("answers", answers, known);
    const success = this.#statuses("success", asked["success"]) ?? CONTEST.success;
    const failure = this.#statuses("failing", asked["failing"]) ?? CONTEST.failure;
    const statuses: Record<number, number> = { ...CONTEST.statuses };
    for (const [proof, outcome] of Object.entries(PROOFS))
      for (const status of this.#statuses(proof, asked[proof]) ?? []) statuses[status] = outcome;
    for (const status of [...success, ...failure]) delete statuses[status];
    return {
      statuses,
      success,
      failure,
      needsMessage: this.#flag("answers.needsMessage", asked["needsMessage"], CONTEST.needsMessage),
      believesNotFound: this.#flag("believesNotFound", fields["believesNotFound"], CONTEST.believesNotFound),
    };
  }

  #statuses(proof: string, value: unknown): number[] | undefined {
    if (value === undefined) return undefined;
    const isList =
      Array.isArray(value) && value.every((status) => Number.isInteger(status) && status >= 200 && status <= 599);
    if (isList) return value as number[];
    this.#refuse(`answers.${proof}`, "must be a list of statuses from 200 to 599", JSON.stringify(value));
    return undefined;
  }

  #tls(value: unknown, url: URL): TlsConfig | undefined {
    if (value === undefined) return undefined;
    if (url.protocol !== "https:") this.#refuse("tls", "is for https URLs");
    const paths = this.#object("tls", value, TLS_MEMBERS);
    if ((paths["cert"] === undefined) !== (paths["key"] === undefined))
      this.#refuse("tls", "must have cert and key, or none of them");
    const texts = TLS_MEMBERS.flatMap((member) => {
      const path = paths[member];
      if (path === undefined) return [];
      if (typeof path === "string") return [[member, this.#file(`tls.${member}`, path)]];
      this.#refuse(`tls.${member}`, "must be the path of a PEM file");
      return [];
    });
    return Object.fromEntries(texts) as TlsConfig;
  }

  #expectDifferent(member: string, values: readonly string[]): void {
    const twice = values.find((value, i) => values.indexOf(value) < i);
    if (twice !== undefined) this.errors.push(`PROCESSORS must have different ${member}s: ${member}=${twice}`);
  }
}
