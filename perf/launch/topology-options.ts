import { MAX_PARTITIONS } from "../../core/values/payment-id.ts";
import {
  type ChildName,
  type CommandOverrides,
  INSTANCE_NODE_FLAGS,
  REPOSITORY_NGINX_CONF,
  socketNames,
} from "./plans.ts";
import { type PortWish, settlePorts } from "./ports.ts";
import {
  type ByName,
  type ProcessorWish,
  portWishesOf,
  type TwoProcessors,
  twoProcessors,
  withPorts,
} from "./processors.ts";
import { createRunDirectory } from "./run-directory.ts";
import type { ChildHooks, ChildPlan } from "./supervisor.ts";

export type Balancer = "nginx" | "none";

export type TopologyOptions = TwoProcessors & {
  /** Otherwise the two of the short form. */
  readonly processors?: readonly ProcessorWish[] | undefined;
  readonly instanceCount?: number;
  /** Of the PostgreSQL that keeps the payments; empty, the default: journals on the disk. */
  readonly storeUrl?: string;
  /** Who hands the requests to the instances: nginx, the default, or nobody. */
  readonly balancer?: Balancer;
  /**
   * Where nginx listens. Port 0: any free one. Without a balancer the first instance does, and the others on the ports
   * that follow.
   */
  readonly host?: string;
  readonly port?: number;
  /** For the instances, on top of this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** For the instances' node, before the script. */
  readonly nodeFlags?: readonly string[];
  readonly nginxConfPath?: string;
  /** Whether nginx refuses payments above its rate: only where it has the CPU limit that the rate belongs to. */
  readonly hasPaymentRate?: boolean;
  /** Whether the balancer answers GET /metrics/1, /metrics/2 …; it does not, unless told to. */
  readonly metricsThroughNginx?: boolean;
  readonly commands?: CommandOverrides;
  /** Further processes, which begin and end with the instances. */
  readonly companions?: (places: TopologyPlaces) => readonly ChildPlan<ChildName>[];
  /** Whether what dies is started again; it is, unless told otherwise. */
  readonly autoRestart?: boolean;
  /** A running instance that answers nothing for so long is ended by force and started again; 0, the default: never. */
  readonly silenceMs?: number;
  /** For each process. */
  readonly readyTimeoutMs?: number;
  readonly hooks?: ChildHooks<ChildName>;
  /** Gives up a start that is under way. */
  readonly signal?: AbortSignal;
};

/** Where the processes of a topology find each other. */
export type TopologyPlaces = {
  readonly processorUrls: ByName<string>;
  /** Of instance 1, 2 … */
  readonly instanceSockets: readonly string[];
};

/** The options with nothing left open. */
export type TopologySettings = Required<Omit<TopologyOptions, "signal" | "processors" | keyof TwoProcessors>> & {
  readonly runDir: string;
  readonly port: number;
  /** Of instance 1, 2 …; none where nginx stands before them. */
  readonly instancePorts: readonly number[];
  readonly processors: readonly ProcessorWish[];
};

/** Chooses what was left open, ports first; makes the run directory. */
export async function settle(options: TopologyOptions): Promise<TopologySettings> {
  const { host = "127.0.0.1", port = 9999, instanceCount = 2, balancer = "nginx" } = options;
  if (!Number.isInteger(instanceCount) || instanceCount < 1 || instanceCount > MAX_PARTITIONS) {
    throw new Error(`instances must be a whole number from 1 to ${MAX_PARTITIONS}: instances=${instanceCount}`);
  }
  const wished = options.processors ?? twoProcessors(options);
  const serviceWishes =
    balancer === "nginx" ? [{ name: "nginx", host, port }] : instanceWishes(host, port, instanceCount);
  const settled = await settlePorts([...serviceWishes, ...portWishesOf(wished)]);
  const servicePorts = settled.slice(0, serviceWishes.length);
  return {
    host,
    port: servicePorts[0]!,
    instancePorts: balancer === "nginx" ? [] : servicePorts,
    balancer,
    instanceCount,
    storeUrl: options.storeUrl ?? "",
    processors: withPorts(wished, settled.slice(serviceWishes.length)),
    env: options.env ?? {},
    nodeFlags: options.nodeFlags ?? INSTANCE_NODE_FLAGS,
    nginxConfPath: options.nginxConfPath ?? REPOSITORY_NGINX_CONF,
    hasPaymentRate: options.hasPaymentRate ?? false,
    metricsThroughNginx: options.metricsThroughNginx ?? false,
    commands: options.commands ?? {},
    companions: options.companions ?? (() => []),
    autoRestart: options.autoRestart ?? true,
    silenceMs: options.silenceMs ?? 0,
    readyTimeoutMs: options.readyTimeoutMs ?? 15_000,
    hooks: options.hooks ?? {},
    runDir: createRunDirectory(Array.from({ length: instanceCount }, (_, i) => socketNames(i + 1)).flat()),
  };
}

/** One after the other from the first, or any free ones. */
function instanceWishes(host: string, firstPort: number, instanceCount: number): PortWish[] {
  return Array.from({ length: instanceCount }, (_, i) => ({
    name: `instance-${i + 1}`,
    host,
    port: firstPort === 0 ? 0 : firstPort + i,
  }));
}
