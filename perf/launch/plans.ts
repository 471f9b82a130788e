import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "./child-life.ts";
import { findNginx, renderNginxConf } from "./nginx.ts";
import { feeText } from "./processors.ts";
import { acceptsTcp, answersHealth } from "./readiness.ts";
import type { ChildPlan } from "./supervisor.ts";

export type ChildName =
  | `processor-${string}`
  | `instance-${number}`
  | `companion-${string}`
  | "nginx"
  /** Runs once, before all others. */
  | "store-init";

/**
 * Instances finish what is in flight before they go, for SHUTDOWN_GRACE_MS at most; the others have nothing to lose.
 */
const INSTANCE_STOP_TIMEOUT_MS_MIN = 10_000;
const AFTER_GRACE_MS = 5000;
const PROCESSOR_STOP_TIMEOUT_MS = 2000;
const NGINX_STOP_TIMEOUT_MS = 3000;

/** What stands in for the real programs; the usual arguments follow. */
export type CommandOverrides = {
  readonly processor?: readonly string[];
  readonly instance?: readonly string[];
  readonly nginx?: readonly string[];
  readonly store?: readonly string[];
};

/** Compiled layout: build/perf/launch/plans.js. What ships, as the image has it: bundled (scripts/bundle.mjs). */
export const PROCESSOR_MAIN = fileURLToPath(new URL("../../bundle/perf/processor/main.js", import.meta.url));
export const INSTANCE_MAIN = fileURLToPath(new URL("../../bundle/server/main.js", import.meta.url));
const METRICS_LOCATION = fileURLToPath(new URL("../../../docker/nginx/metrics.conf", import.meta.url));
export const REPOSITORY_NGINX_CONF = fileURLToPath(new URL("../../../nginx.conf", import.meta.url));

export type SimulatedProcessor = {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Fraction of the amount. */
  readonly fee: number;
  readonly command: readonly string[] | undefined;
  readonly readyTimeoutMs: number;
};

export function processorPlan(wish: SimulatedProcessor): ChildPlan<ChildName> {
  const { name, host, port, fee, readyTimeoutMs } = wish;
  const command = wish.command ?? [process.execPath, PROCESSOR_MAIN];
  // A name may begin with a dash.
  const args = [`--name=${name}`, "--port", `${port}`, "--host", host, "--fee", feeText(fee)];
  return {
    name: `processor-${name}`,
    command: commandOf([...command, ...args], process.cwd(), process.env),
    stopSignal: "SIGTERM",
    stopTimeoutMs: PROCESSOR_STOP_TIMEOUT_MS,
    readyTimeoutMs,
    prepare() {},
    isReady: () => acceptsTcp(host, port),
  };
}

/**
 * A bound of V8's heap; docker/Dockerfile sets the same. Node.js 20 would refuse the compiled code of its own modules
 * with this option, and start more slowly. There the bound is V8's own, which goes by the limit of the cgroup. That the
 * heap stays small below it is the instance's own business (server/system/heap.ts).
 */
export const INSTANCE_NODE_FLAGS: readonly string[] = process.version.startsWith("v20.")
  ? []
  : ["--max-old-space-size=64"];

/** Where an instance takes requests, as they ask for it: its socket behind nginx, or a port of its own. */
export type InstanceAddress = { readonly socketPath: string } | { readonly host: string; readonly port: number };

export type InstanceWish = {
  /** Counts from 1. */
  readonly number: number;
  readonly instanceCount: number;
  readonly runDir: string;
  /** Where it takes requests. */
  readonly address: InstanceAddress;
  /** Empty: journals. */
  readonly storeUrl: string;
  /** Over this process's own. */
  readonly env: Readonly<Record<string, string>>;
  readonly nodeFlags: readonly string[];
  readonly command: readonly string[] | undefined;
  readonly readyTimeoutMs: number;
};

export const serviceSocketName = (instance: number): string => `instance-${instance}.sock`;
const linkSocketName = (instance: number): string => `link-${instance}.sock`;

/** For operators, where the service is on a port that others reach. */
export const operatorsSocketName = (instance: number): string => `operators-${instance}.sock`;

/** All that an instance may listen on: the service, the link, beside the link its health monitor's, and operators'. */
export function socketNames(instance: number): string[] {
  const link = linkSocketName(instance);
  return [serviceSocketName(instance), link, `${link}.health`, operatorsSocketName(instance)];
}

export function instancePlan(wish: InstanceWish): ChildPlan<ChildName> {
  const { number, runDir, address, readyTimeoutMs } = wish;
  const env: NodeJS.ProcessEnv = {
    DATA_DIR: wish.storeUrl === "" ? join(runDir, "data") : "",
    ...process.env,
    ...wish.env,
    INSTANCE: `${number}`,
    ...listenVariables(wish),
    ...linkVariables(wish),
  };
  const command = wish.command ?? [process.execPath, ...wish.nodeFlags, INSTANCE_MAIN];
  return {
    name: `instance-${number}`,
    command: commandOf(command, process.cwd(), env),
    stopSignal: "SIGTERM",
    stopTimeoutMs: Math.max(INSTANCE_STOP_TIMEOUT_MS_MIN, (Number(env["SHUTDOWN_GRACE_MS"]) || 0) + AFTER_GRACE_MS),
    readyTimeoutMs,
    prepare() {
      for (const name of socketNames(number)) rmSync(join(runDir, name), { force: true });
    },
    isReady: () => answersHealth(address),
  };
}

/**
 * One address cannot be every instance's: /metrics, /doubts and /log-level are on a socket of the instance. That is its
 * service's, where nobody else reaches it.
 */
function listenVariables({ address, number, runDir }: InstanceWish): NodeJS.ProcessEnv {
  if ("socketPath" in address) return { LISTEN: `unix:${address.socketPath}`, ADMIN_LISTEN: "" };
  const operators = join(runDir, operatorsSocketName(number));
  return { LISTEN: `tcp:${address.host}:${address.port}`, ADMIN_LISTEN: `unix:${operators}` };
}

/** Where the others are: the store's members tell each other. */
function linkVariables({ number, instanceCount, runDir, storeUrl }: InstanceWish): NodeJS.ProcessEnv {
  const linkOf = (instance: number): string => `unix:${join(runDir, linkSocketName(instance))}`;
  if (storeUrl !== "") return { STORE_URL: storeUrl, LINK: linkOf(number), LINKS: "" };
  const links = Array.from({ length: instanceCount }, (_, i) => linkOf(i + 1));
  return { STORE_URL: "", LINK: "", LINKS: links.join(",") };
}

export type NginxWish = {
  readonly host: string;
  readonly port: number;
  readonly instanceCount: number;
  readonly hasPaymentRate: boolean;
  readonly runDir: string;
  readonly confPath: string;
  readonly metricsThroughNginx: boolean;
  readonly command: readonly string[] | undefined;
  readonly readyTimeoutMs: number;
};

export function nginxPlan(wish: NginxWish): ChildPlan<ChildName> {
  const { host, port, runDir, readyTimeoutMs } = wish;
  const conf = join(runDir, "nginx.conf");
  writeFileSync(conf, renderNginxConf(readFileSync(wish.confPath, "utf8"), wish));
  if (wish.metricsThroughNginx) {
    mkdirSync(join(runDir, "nginx.d"));
    copyFileSync(METRICS_LOCATION, join(runDir, "nginx.d", "metrics.conf"));
  }
  const command = wish.command ?? [findNginx()];
  // Relative paths in the file: sockets are looked up in the working directory, all others under the prefix (-p).
  const args = ["-c", conf, "-p", runDir, "-e", "stderr", "-g", nginxDirectives()];
  return {
    name: "nginx",
    command: commandOf([...command, ...args], runDir, process.env),
    // nginx's graceful one; SIGTERM would cut off requests in flight.
    stopSignal: "SIGQUIT",
    stopTimeoutMs: NGINX_STOP_TIMEOUT_MS,
    readyTimeoutMs,
    prepare() {},
    isReady: () => answersHealth({ host, port }),
  };
}

/** Started by root, nginx's worker would drop to a user that may not connect to sockets made by root. */
function nginxDirectives(): string {
  const user = process.getuid?.() === 0 ? " user root;" : "";
  return `daemon off; pid nginx.pid;${user}`;
}

function commandOf([file, ...args]: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Command {
  if (file === undefined) throw new Error("command must name a file: length=0");
  return { file, args, cwd, env };
}
