import { checkExporter } from "./exporter-checks.ts";
import { OtelVariables } from "./otel-variables.ts";
import { DEFAULT_ENDPOINT, type OtlpEndpoint, parseOtlpEndpoint } from "./otlp-endpoint.ts";

/**
 * The standard OTEL_* variables as far as something here depends on them or a mistake in them would go unnoticed. What
 * else the SDK and the exporter read by themselves (headers, certificates) is left to them, and the limits of spans to
 * the sender's thread. Loads no OpenTelemetry package.
 *
 * The standard's own default is an endpoint at localhost:4317; here traces are sent only where an endpoint is named, or
 * the exporter is: a payment service does not talk to an unknown port because nobody said otherwise.
 */
export type TracingSettings = {
  /** Whether a sampled or unsampled context that comes with a request decides; otherwise the ratio does. */
  isParentBased: boolean;
  /** Share of traces that are sampled, 0 to 1. */
  ratio: number;
  collector: OtlpEndpoint;
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
  const variables = new OtelVariables(environment, errors);
  if (variables.text("OTEL_SDK_DISABLED").toLowerCase() === "true") return undefined;
  const exporter = variables.text("OTEL_TRACES_EXPORTER");
  if (exporter === "none") return undefined;
  if (exporter !== "" && exporter !== "otlp") variables.refuse("OTEL_TRACES_EXPORTER", "must be otlp or none");
  const endpoint = variables.signalName("ENDPOINT");
  if (endpoint === undefined && exporter === "") return undefined;
  variables.oneOf(variables.signalName("PROTOCOL"), ["grpc"]);
  const collector = readCollector(variables, endpoint);
  checkExporter(variables);
  checkBatching(variables);
  checkResource(variables);
  return { ...sampling(variables), collector };
}

function readCollector(variables: OtelVariables, name: string | undefined): OtlpEndpoint {
  const isInsecure = variables.flag(variables.signalName("INSECURE"));
  const endpoint = parseOtlpEndpoint(name === undefined ? DEFAULT_ENDPOINT : variables.text(name), isInsecure);
  if (typeof endpoint !== "string") return endpoint;
  variables.refuse(name!, endpoint);
  return { target: "", isTls: false };
}

function sampling(variables: OtelVariables): Omit<TracingSettings, "collector"> {
  const sampler = variables.text("OTEL_TRACES_SAMPLER") || "parentbased_always_on";
  if (!SAMPLERS.includes(sampler)) variables.refuse("OTEL_TRACES_SAMPLER", `must be one of ${SAMPLERS.join(", ")}`);
  const ratio = RATIOS[sampler.replace("parentbased_", "")] ?? variables.ratio("OTEL_TRACES_SAMPLER_ARG");
  return { isParentBased: sampler.startsWith("parentbased_"), ratio };
}

/** The queue bounds what a dead collector costs in memory, so it has a largest size. */
function checkBatching(variables: OtelVariables): void {
  const queue = variables.wholeNumber("OTEL_BSP_MAX_QUEUE_SIZE", 1, QUEUE_SPANS_MAX) ?? QUEUE_SPANS;
  const batch =
    variables.wholeNumber("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1, QUEUE_SPANS_MAX) ?? Math.min(BATCH_SPANS, queue);
  if (batch > queue) variables.refuse("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", `must be at most the queue's size ${queue}`);
  variables.wholeNumber("OTEL_BSP_SCHEDULE_DELAY", 1, TIMEOUT_MS_MAX);
  variables.wholeNumber("OTEL_BSP_EXPORT_TIMEOUT", 1, TIMEOUT_MS_MAX);
}

/** The SDK would drop all of them for one mistake, silently. */
function checkResource(variables: OtelVariables): void {
  const pairs = variables.text("OTEL_RESOURCE_ATTRIBUTES").split(",");
  const isSound = pairs.every((pair) => pair.trim() === "" || /^[^=]*[^=\s][^=]*=(?:[^=%]|%[\da-f]{2})*$/i.test(pair));
  if (!isSound) variables.refuse("OTEL_RESOURCE_ATTRIBUTES", "must be key=value, comma-separated, percent-encoded");
}
