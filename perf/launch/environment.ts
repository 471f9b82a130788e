import { MAX_PARTITIONS } from "../../core/values/payment-id.ts";
import { journalSettingsIn, MEMBERS_MAX, storeUrlRule } from "../../server/settings/store-settings.ts";
import { readFee } from "../../server/text/fee.ts";
import { type ProcessorWish, simulatedOf, twoProcessors } from "./processors.ts";
import { isProblems, PORT_MAX, readProcessorWishes } from "./processors-variable.ts";
import type { TopologyOptions } from "./topology-options.ts";

/** A simulated processor's admin token until somebody sets another. */
const TOKEN_AT_FIRST = "123";

type Variable = {
  readonly name: string;
  /** Empty: none. */
  readonly fallback: string;
  readonly help: string;
};

const VARIABLES: readonly Variable[] = [
  { name: "BALANCER", fallback: "nginx", help: "none: no nginx; instances listen on PORT and the ports that follow" },
  { name: "PORT", fallback: "9999", help: "where nginx listens" },
  { name: "HOST", fallback: "127.0.0.1", help: "the address it listens on; 0.0.0.0 lets other machines in" },
  { name: "INSTANCES", fallback: "2", help: "how many instances" },
  {
    name: "STORE_URL",
    fallback: "",
    help: "postgres://… that keeps the payments; without it journals do, on this disk",
  },
  {
    name: "PARTITIONS",
    fallback: "",
    help: "how many partitions; without it as many as the journals have, or one per instance",
  },
  { name: "SILENCE_MS", fallback: "30000", help: "an instance that does not answer for so long is killed; 0: never" },
  { name: "PROCESSORS", fallback: "", help: "1 to 16 processors: JSON, or a file's path; see docs/processors.md" },
  { name: "DEFAULT_PROCESSOR_PORT", fallback: "8001", help: "the first simulated processor's port; 0: any free one" },
  { name: "FALLBACK_PROCESSOR_PORT", fallback: "8002", help: "the second one's, without PROCESSORS" },
  { name: "DEFAULT_FEE", fallback: "0.05", help: "what the default processor keeps" },
  { name: "FALLBACK_FEE", fallback: "0.15", help: "what the fallback processor keeps" },
  { name: "DEFAULT_PROCESSOR_URL", fallback: "", help: "use this processor instead of simulating one" },
  { name: "FALLBACK_PROCESSOR_URL", fallback: "", help: "use this processor instead of simulating one" },
  { name: "DATA_DIR", fallback: "", help: "keep the journals here; without it they are deleted at the end" },
  { name: "LOG_LEVEL", fallback: "warn", help: "of the instances; their log lines go to the standard output" },
  { name: "LOG_PRETTY", fallback: "true", help: "false: print the log lines in JSON, as they are" },
  { name: "METRICS_THROUGH_NGINX", fallback: "false", help: "true: nginx answers /metrics/1, /metrics/2 …" },
];

/** An hour. */
const SILENCE_MS_MAX = 3_600_000;

/** What says the same as PROCESSORS, of two. */
const SHORT_FORM = ["DEFAULT_PROCESSOR_URL", "FALLBACK_PROCESSOR_URL", "DEFAULT_FEE", "FALLBACK_FEE"];

export const TOPOLOGY_HELP = `npm start: runs the whole service on this machine

Starts simulated payment processors, the instances and nginx. Restarts what dies, or does not answer for SILENCE_MS.
Ctrl-C ends all of it.

Environment:
${VARIABLES.map(({ name, fallback, help }) => `  ${name.padEnd(24)} ${help} (${fallback || "none"})`).join("\n")}

Without PROCESSORS there are two, default and fallback. With it, those without url are simulated, on one port after the
other: PROCESSORS='[{"name": "a", "fee": "0.01"}, {"name": "b", "fee": "0.03", "url": "http://host:8001"}]' npm start

All other variables reach the instances as they are, PROFILE=contest for one; node build/server/main.js --help lists
them. OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4317 sends their traces there.
`;

/** A topology, and how its logs are shown. */
export type StartOptions = TopologyOptions & {
  readonly processors: readonly ProcessorWish[];
  readonly prettyLogs: boolean;
};

/** All mistakes are told at once. */
export function topologyOptionsFromEnv(env: NodeJS.ProcessEnv): StartOptions {
  const reader = new VariableReader(env);
  const processors = reader.processors();
  const storeUrl = reader.storeUrl();
  const options = {
    processors,
    storeUrl,
    ...reader.ports(storeUrl === "" ? MAX_PARTITIONS : MEMBERS_MAX),
    host: reader.hostName("HOST"),
    env: { LOG_LEVEL: reader.text("LOG_LEVEL"), ...reader.partitions(), ...simulationEnv(env, processors) },
    silenceMs: reader.wholeNumber("SILENCE_MS", 0, SILENCE_MS_MAX),
    prettyLogs: reader.isOn("LOG_PRETTY"),
  };
  if (reader.problems.length > 0) throw new Error(reader.problems.join("\n"));
  return options;
}

class VariableReader {
  readonly problems: string[] = [];
  readonly #env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  text(name: string): string {
    return this.#env[name] || VARIABLES.find((variable) => variable.name === name)!.fallback;
  }

  wholeNumber(name: string, min: number, max: number): number {
    const text = this.text(name);
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) this.#refuse(name, `a whole number from ${min} to ${max}`);
    return value;
  }

  /** Without a balancer every instance needs a port. */
  ports(
    instancesMax: number,
  ): Required<Pick<TopologyOptions, "balancer" | "port" | "instanceCount" | "metricsThroughNginx">> {
    const balancer = this.text("BALANCER");
    if (balancer !== "nginx" && balancer !== "none") this.#refuse("BALANCER", "nginx or none");
    const instanceCount = this.wholeNumber("INSTANCES", 1, instancesMax);
    const metricsThroughNginx = this.isOn("METRICS_THROUGH_NGINX");
    if (balancer !== "none") {
      return { balancer: "nginx", port: this.wholeNumber("PORT", 0, PORT_MAX), instanceCount, metricsThroughNginx };
    }
    if (metricsThroughNginx) this.problems.push("METRICS_THROUGH_NGINX needs nginx: BALANCER=none");
    const lastPort = PORT_MAX - (instanceCount >= 1 ? instanceCount - 1 : 0);
    return { balancer, port: this.wholeNumber("PORT", 0, lastPort), instanceCount, metricsThroughNginx };
  }

  /** It has a password: what is wrong with it does not show it. */
  storeUrl(): string {
    const url = this.text("STORE_URL").trim();
    if (url === "") return "";
    const rule = storeUrlRule(url);
    if (rule !== undefined) this.problems.push(`STORE_URL ${rule}`);
    const isSet = (name: string): boolean => (this.#env[name]?.trim() ?? "") !== "";
    for (const { name, rule: why } of journalSettingsIn(isSet))
      this.problems.push(`${name} ${why}: ${name}=${this.#env[name]}`);
    return url;
  }

  /** Without a number the instances decide. */
  partitions(): Record<string, string> {
    if (this.text("PARTITIONS") === "") return {};
    return { PARTITIONS: `${this.wholeNumber("PARTITIONS", 1, MAX_PARTITIONS)}` };
  }

  isOn(name: string): boolean {
    const text = this.text(name);
    if (text !== "true" && text !== "false") this.#refuse(name, "true or false");
    return text === "true";
  }

  hostName(name: string): string {
    const host = this.text(name);
    if (!/^[\w.-]+$/.test(host)) this.#refuse(name, "an IPv4 address or a name");
    return host;
  }

  fee(name: string): number {
    const fee = readFee(this.text(name));
    if (fee === undefined) this.#refuse(name, "a decimal from 0 to 1");
    return Number(fee?.text);
  }

  processors(): readonly ProcessorWish[] {
    const firstPort = this.wholeNumber("DEFAULT_PROCESSOR_PORT", 0, PORT_MAX);
    const secondPort = this.wholeNumber("FALLBACK_PROCESSOR_PORT", 0, PORT_MAX);
    const list = this.text("PROCESSORS");
    if (list.trim() === "") return this.#two(firstPort, secondPort);
    const both = SHORT_FORM.filter((name) => this.#env[name]);
    if (both.length > 0) this.problems.push(`PROCESSORS says it all: ${both.join(", ")} must not be set as well`);
    const read = readProcessorWishes(list, firstPort, this.#env);
    if (!isProblems(read)) return read;
    this.problems.push(...read);
    return [];
  }

  #two(firstPort: number, secondPort: number): ProcessorWish[] {
    const urls = { default: this.text("DEFAULT_PROCESSOR_URL"), fallback: this.text("FALLBACK_PROCESSOR_URL") };
    return twoProcessors({
      processorPorts: { default: firstPort, fallback: secondPort },
      processorFees: { default: this.fee("DEFAULT_FEE"), fallback: this.fee("FALLBACK_FEE") },
      processorUrls: Object.fromEntries(Object.entries(urls).filter(([, url]) => url !== "")),
    });
  }

  #refuse(name: string, rule: string): void {
    this.problems.push(`${name} must be ${rule}: ${name}=${this.text(name)}`);
  }
}

/** The live page gets its buttons only where all processors are simulated, and started here. */
function simulationEnv(env: NodeJS.ProcessEnv, processors: readonly ProcessorWish[]): Record<string, string> {
  const isSimulation = simulatedOf(processors).length === processors.length;
  return isSimulation && env["PROCESSOR_ADMIN_TOKEN"] === undefined ? { PROCESSOR_ADMIN_TOKEN: TOKEN_AT_FIRST } : {};
}
