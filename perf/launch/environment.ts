import { readFileSync } from "node:fs";
import { MAX_INSTANCES } from "../../core/values/payment-id.ts";
import { readFee } from "../../server/text/fee.ts";
import { type ProcessorWish, simulatedOf, twoProcessors } from "./processors.ts";
import type { TopologyOptions } from "./topology.ts";

/** A simulated processor's admin token until somebody sets another. */
const TOKEN_AT_FIRST = "123";

type Variable = {
  readonly name: string;
  readonly fallback: string;
  readonly help: string;
};

const VARIABLES: readonly Variable[] = [
  { name: "PORT", fallback: "9999", help: "where nginx listens" },
  { name: "HOST", fallback: "127.0.0.1", help: "the address it listens on; 0.0.0.0 lets other machines in" },
  { name: "INSTANCES", fallback: "2", help: "how many instances" },
  {
    name: "PROCESSORS",
    fallback: "none",
    help: "JSON or a file's path, see docs/processors.md; without url: simulated",
  },
  {
    name: "DEFAULT_PROCESSOR_PORT",
    fallback: "8001",
    help: "the simulated default processor's, or the first one's, port",
  },
  { name: "FALLBACK_PROCESSOR_PORT", fallback: "8002", help: "the simulated fallback processor's port" },
  { name: "DEFAULT_FEE", fallback: "0.05", help: "what the default processor keeps" },
  { name: "FALLBACK_FEE", fallback: "0.15", help: "what the fallback processor keeps" },
  { name: "DEFAULT_PROCESSOR_URL", fallback: "none", help: "use this processor instead of simulating one" },
  { name: "FALLBACK_PROCESSOR_URL", fallback: "none", help: "use this processor instead of simulating one" },
  { name: "DATA_DIR", fallback: "none", help: "keep the journals here; without it they go with the run" },
  { name: "LOG_LEVEL", fallback: "warn", help: "of the instances; their log lines go to the standard output" },
  { name: "LOG_PRETTY", fallback: "true", help: "false: the log lines as they are, in JSON" },
  { name: "METRICS_THROUGH_NGINX", fallback: "false", help: "true: nginx answers /metrics/1, /metrics/2 …" },
];

export const TOPOLOGY_HELP = `npm start: the whole service on this machine, in processes of its own

Starts simulated payment processors, the instances and nginx; starts again what dies; Ctrl-C ends all of it.

Environment:
${VARIABLES.map(({ name, fallback, help }) => `  ${name.padEnd(24)} ${help} (${fallback})`).join("\n")}

All other variables reach the instances as they are, PROFILE=contest for one; node build/server/main.js --help lists
them. OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4317 sends their traces there.
`;

/** A topology, and how its logs are shown. */
export type StartOptions = TopologyOptions & { readonly prettyLogs: boolean };

/** All mistakes are told at once. */
export function topologyOptionsFromEnv(env: NodeJS.ProcessEnv): StartOptions {
  const problems: string[] = [];
  const wholeNumber = (name: string, min: number, max: number): number => {
    const text = env[name] || VARIABLES.find((variable) => variable.name === name)!.fallback;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      problems.push(`${name} must be a whole number from ${min} to ${max}: ${name}=${text}`);
    }
    return value;
  };
  const isOn = (name: string): boolean => {
    const text = env[name] || VARIABLES.find((variable) => variable.name === name)!.fallback;
    if (text !== "true" && text !== "false") problems.push(`${name} must be true or false: ${name}=${text}`);
    return text === "true";
  };
  const hostName = (): string => {
    const host = env["HOST"] || "127.0.0.1";
    if (!/^[\w.-]+$/.test(host)) problems.push(`HOST must be an IPv4 address or a name: HOST=${host}`);
    return host;
  };
  const fee = (name: string): number => {
    const text = env[name] || VARIABLES.find((variable) => variable.name === name)!.fallback;
    if (readFee(text) === undefined) problems.push(`${name} must be a decimal from 0 to 1: ${name}=${text}`);
    return Number(text);
  };
  const firstPort = wholeNumber("DEFAULT_PROCESSOR_PORT", 0, 65_535);
  const options: StartOptions = {
    ...(env["PROCESSORS"] && { processors: processorsFromEnv(env["PROCESSORS"], firstPort, problems) }),
    processorFees: { default: fee("DEFAULT_FEE"), fallback: fee("FALLBACK_FEE") },
    port: wholeNumber("PORT", 0, 65_535),
    host: hostName(),
    instanceCount: wholeNumber("INSTANCES", 1, MAX_INSTANCES),
    processorPorts: {
      default: firstPort,
      fallback: wholeNumber("FALLBACK_PROCESSOR_PORT", 0, 65_535),
    },
    processorUrls: {
      ...(env["DEFAULT_PROCESSOR_URL"] ? { default: env["DEFAULT_PROCESSOR_URL"] } : {}),
      ...(env["FALLBACK_PROCESSOR_URL"] ? { fallback: env["FALLBACK_PROCESSOR_URL"] } : {}),
    },
    env: { LOG_LEVEL: env["LOG_LEVEL"] || "warn" },
    metricsThroughNginx: isOn("METRICS_THROUGH_NGINX"),
    prettyLogs: isOn("LOG_PRETTY"),
  };
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return { ...options, env: { ...options.env, ...simulationEnv(env, options) } };
}

/** What the instances check is left to them; here only what is needed to simulate those without a URL. */
function processorsFromEnv(text: string, firstPort: number, problems: string[]): ProcessorWish[] {
  const list = readList(text);
  if (list === undefined) {
    problems.push("PROCESSORS must be a JSON array of objects, or the path of a file with one");
    return [];
  }
  let simulatedCount = 0;
  return list.map(({ name, fee, url, ...settings }, i) => {
    if (typeof name !== "string" || name === "") problems.push(`PROCESSORS[${i}].name must be a text`);
    const known = typeof fee === "number" || typeof fee === "string" ? readFee(String(fee)) : undefined;
    if (known === undefined) problems.push(`PROCESSORS[${i}].fee must be a decimal from 0 to 1`);
    const port = firstPort === 0 ? 0 : firstPort + simulatedCount;
    if (url === undefined) simulatedCount++;
    return {
      name: String(name),
      fee: Number(known?.text),
      settings,
      ...(url === undefined ? { port } : { url: String(url) }),
    };
  });
}

function readList(text: string): Record<string, unknown>[] | undefined {
  try {
    const value: unknown = JSON.parse(/^\s*\[/.test(text) ? text : readFileSync(text, "utf8"));
    const isList =
      Array.isArray(value) && value.length > 0 && value.every((entry) => typeof entry === "object" && entry);
    return isList ? (value as Record<string, unknown>[]) : undefined;
  } catch {
    return undefined;
  }
}

/** The live page gets its buttons only where all processors are simulated, and started here. */
function simulationEnv(env: NodeJS.ProcessEnv, options: TopologyOptions): Record<string, string> {
  const processors = options.processors ?? twoProcessors(options);
  const isSimulation = simulatedOf(processors).length === processors.length;
  return isSimulation && env["PROCESSOR_ADMIN_TOKEN"] === undefined ? { PROCESSOR_ADMIN_TOKEN: TOKEN_AT_FIRST } : {};
}
