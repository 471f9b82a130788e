/**
 * The standard OTEL_* variables as far as something here depends on them or a mistake in them would go unnoticed. What the SDK and
 * the exporter read by themselves (headers, certificates, compression, span limits) is left to them. Loads no OpenTelemetry package.
 *
 * The standard's own default is an endpoint at localhost:4317; here traces are sent only where an endpoint is named, or the exporter
 * is: a payment service does not talk to an unknown port because nobody said otherwise.
 */
export type TracingSettings = {
  /** Whether a sampled or unsampled context that comes with a request decides; otherwise the ratio does. */
  isParentBased: boolean;
  /** Share of traces that are sampled, 0 to 1. */
  ratio: number;
};

type Environment = Readonly<Record<string, string | undefined>>;

const RATIOS: Readonly<Record<string, number | undefined>> = { always_on: 1, always_off: 0, traceidratio: undefined };
const SAMPLERS = Object.keys(RATIOS).flatMap((name) => [name, `parentbased_${name}`]);
/** What the SDK assumes, needed to compare the two. */
const QUEUE_SPANS = 2048;
const BATCH_SPANS = 512;
const QUEUE_SPANS_MAX = 65_536;
const TIMEOUT_MS_MAX = 600_000;

/** The settings, or undefined when nothing is to be traced. What is wrong is added to `errors`. */
export function readTracing(environment: Environment, errors: string[]): TracingSettings | undefined {
  const reader = new Reader(environment, errors);
  if (reader.text("OTEL_SDK_DISABLED").toLowerCase() === "true") return undefined;
  const exporter = reader.text("OTEL_TRACES_EXPORTER");
  if (exporter === "none") return undefined;
  if (exporter !== "" && exporter !== "otlp") reader.refuse("OTEL_TRACES_EXPORTER", "must be otlp or none");
  const endpoint = reader.signalName("ENDPOINT");
  if (endpoint === undefined && exporter === "") return undefined;
  if (endpoint !== undefined && !isEndpoint(reader.text(endpoint)))
    reader.refuse(endpoint, "must be an http or https URL, or what gRPC takes for a name: host:port, unix:<path>");
  const protocol = reader.signalName("PROTOCOL");
  if (protocol !== undefined && reader.text(protocol) !== "grpc") reader.refuse(protocol, "must be grpc");
  reader.wholeNumber(reader.signalName("TIMEOUT"), 1, TIMEOUT_MS_MAX);
  checkBatching(reader);
  checkResource(reader);
  return sampling(reader);
}

function sampling(reader: Reader): TracingSettings {
  const sampler = reader.text("OTEL_TRACES_SAMPLER") || "parentbased_always_on";
  if (!SAMPLERS.includes(sampler)) reader.refuse("OTEL_TRACES_SAMPLER", `must be one of ${SAMPLERS.join(", ")}`);
  const ratio = RATIOS[sampler.replace("parentbased_", "")] ?? reader.ratio("OTEL_TRACES_SAMPLER_ARG");
  return { isParentBased: sampler.startsWith("parentbased_"), ratio };
}

/** The queue bounds what a dead collector costs in memory, so it has a largest size. */
function checkBatching(reader: Reader): void {
  const queue = reader.wholeNumber("OTEL_BSP_MAX_QUEUE_SIZE", 1, QUEUE_SPANS_MAX) ?? QUEUE_SPANS;
  const batch =
    reader.wholeNumber("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1, QUEUE_SPANS_MAX) ?? Math.min(BATCH_SPANS, queue);
  if (batch > queue) reader.refuse("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", `must be at most the queue's size ${queue}`);
  reader.wholeNumber("OTEL_BSP_SCHEDULE_DELAY", 1, TIMEOUT_MS_MAX);
  reader.wholeNumber("OTEL_BSP_EXPORT_TIMEOUT", 1, TIMEOUT_MS_MAX);
}

/** The SDK would drop all of them for one mistake, silently. */
function checkResource(reader: Reader): void {
  const pairs = reader.text("OTEL_RESOURCE_ATTRIBUTES").split(",");
  const isSound = pairs.every((pair) => pair.trim() === "" || /^[^=]*[^=\s][^=]*=(?:[^=%]|%[\da-f]{2})*$/i.test(pair));
  if (!isSound) reader.refuse("OTEL_RESOURCE_ATTRIBUTES", "must be key=value, comma-separated, percent-encoded");
}

function isEndpoint(text: string): boolean {
  if (text.includes("://")) return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
  return /^(?:unix:.+|(?:dns:)?[\w.-]+:\d{1,5})$/.test(text);
}

class Reader {
  readonly #environment: Environment;
  readonly #errors: string[];

  constructor(environment: Environment, errors: string[]) {
    this.#environment = environment;
    this.#errors = errors;
  }

  text(name: string): string {
    return this.#environment[name]?.trim() ?? "";
  }

  /** Name of the exporter's variable that counts: the one for traces before the one for all signals; undefined if neither is set. */
  signalName(what: string): string | undefined {
    return [`OTEL_EXPORTER_OTLP_TRACES_${what}`, `OTEL_EXPORTER_OTLP_${what}`].find((name) => this.text(name) !== "");
  }

  wholeNumber(name: string | undefined, min: number, max: number): number | undefined {
    if (name === undefined || this.text(name) === "") return undefined;
    const value = Number(this.text(name));
    if (/^\d+$/.test(this.text(name)) && value >= min && value <= max) return value;
    this.refuse(name, `must be a whole number from ${min} to ${max}`);
    return undefined;
  }

  ratio(name: string): number {
    const text = this.text(name) || "1";
    const value = Number(text);
    if (value >= 0 && value <= 1) return value;
    this.refuse(name, "must be a number from 0 to 1");
    return 1;
  }

  refuse(name: string, rule: string): void {
    this.#errors.push(`${name} ${rule}: ${name}=${this.text(name).replace(/\/\/[^/@]*@/, "//***@")}`);
  }
}
