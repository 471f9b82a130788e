import type { PerRole } from "../audit/totals.ts";
import { findNginx } from "../topology/nginx.ts";
import { type ChildName, type CommandOverrides, instanceMain, instanceNodeFlags } from "../topology/plans.ts";
import type { ChildHooks } from "../topology/supervisor.ts";
import { startTopology, type Topology } from "../topology/topology.ts";
import { ControlGroups, type Limit, type LimitUsage } from "./cgroups.ts";
import type { Target } from "../contest/measurement.ts";
import { readUsage } from "./process-usage.ts";

/** What each of them may use, or none at all. */
export interface Limits {
  readonly nginx: Limit;
  readonly instance: Limit;
}

export interface LimitedTopologyOptions {
  readonly profile: "contest" | "default";
  /** 0: any free one. */
  readonly port: number;
  readonly fees: PerRole<number>;
  readonly limits: Limits | undefined;
  /** Of the instances; `undefined` is quiet, and what they say is kept to themselves. */
  readonly logLevel: string | undefined;
}

/** What one process, with its children, took from the beginning of the load to its end. */
export interface ProcessReport {
  readonly name: ChildName;
  readonly cpuSeconds: number;
  readonly rssPeakBytes: number;
  readonly limit: Limit | undefined;
  /** From its start on. */
  readonly limitUsage: LimitUsage | undefined;
  /** It is not the process that was there at the beginning. */
  readonly wasRestarted: boolean;
}

const instanceCount = 2;

/** The service and its processors on this machine, in processes of their own, under the contest's limits where possible. */
export class LimitedTopology {
  /** Why there are no limits. */
  readonly unlimitedReason: string | undefined;
  readonly #topology: Topology;
  readonly #groups: ControlGroups;
  readonly #limits: Limits | undefined;
  readonly #cpuSecondsAtBegin = new Map<number, number>();

  static async start(options: LimitedTopologyOptions, signal: AbortSignal): Promise<LimitedTopology> {
    const groups = new ControlGroups();
    const unlimitedReason = options.limits === undefined ? "not asked for" : groups.whyNot();
    const limits = unlimitedReason === undefined ? options.limits : undefined;
    try {
      if (limits !== undefined) createGroups(groups, limits);
      const topology = await startTopology({
        port: options.port,
        instanceCount,
        processorPorts: { default: 0, fallback: 0 },
        processorFees: options.fees,
        env: { PROFILE: options.profile, LOG_LEVEL: options.logLevel ?? "warn" },
        commands: limits === undefined ? {} : limitedCommands(groups),
        hooks: hooksFor(options.logLevel !== undefined),
        signal,
      });
      return new LimitedTopology(topology, groups, limits, unlimitedReason);
    } catch (error) {
      await groups.remove();
      throw error;
    }
  }

  constructor(
    topology: Topology,
    groups: ControlGroups,
    limits: Limits | undefined,
    unlimitedReason: string | undefined,
  ) {
    this.#topology = topology;
    this.#groups = groups;
    this.#limits = limits;
    this.unlimitedReason = unlimitedReason;
  }

  get target(): Target {
    const { url, processorUrls } = this.#topology;
    const processors = { default: new URL(processorUrls.default), fallback: new URL(processorUrls.fallback) };
    return { service: new URL(url), processors, token: "123" };
  }

  /** To be called as the load begins: what was before is not counted. */
  markBegin(): void {
    for (const { pid } of this.#topology.processes) {
      const usage = pid === undefined ? undefined : readUsage(pid);
      if (pid !== undefined && usage !== undefined) this.#cpuSecondsAtBegin.set(pid, usage.cpuSeconds);
    }
  }

  processReports(): ProcessReport[] {
    return this.#topology.processes.map(({ name, pid = -1 }) => {
      const usage = readUsage(pid) ?? { cpuSeconds: 0, rssPeakBytes: 0 };
      return {
        name,
        cpuSeconds: usage.cpuSeconds - (this.#cpuSecondsAtBegin.get(pid) ?? 0),
        rssPeakBytes: usage.rssPeakBytes,
        limit: this.#limitOf(name),
        limitUsage: this.#groups.usage(name),
        wasRestarted: !this.#cpuSecondsAtBegin.has(pid),
      };
    });
  }

  async stop(): Promise<void> {
    await this.#topology.stop();
    await this.#groups.remove();
  }

  /** The contest does not count the processors. */
  #limitOf(name: ChildName): Limit | undefined {
    if (name === "nginx") return this.#limits?.nginx;
    return name.startsWith("instance-") ? this.#limits?.instance : undefined;
  }
}

function createGroups(groups: ControlGroups, limits: Limits): void {
  groups.create("nginx", limits.nginx);
  for (let instance = 1; instance <= instanceCount; instance++) groups.create(`instance-${instance}`, limits.instance);
}

/** Each instance finds its number in its environment. */
function limitedCommands(groups: ControlGroups): CommandOverrides {
  return {
    nginx: groups.commandInside("nginx", [findNginx()]),
    instance: groups.commandInside("instance-$INSTANCE", [process.execPath, ...instanceNodeFlags, instanceMain]),
  };
}

function hooksFor(isTalking: boolean): ChildHooks<ChildName> {
  const lastLines = new Map<ChildName, string>();
  return {
    onRestart({ name, code, signal }) {
      const said = lastLines.get(name) ?? "nothing";
      process.stderr.write(`${name} died and is started again: code=${code} signal=${signal} lastLine=${said}\n`);
    },
    onLine(name, _stream, line) {
      lastLines.set(name, line);
      if (isTalking) process.stderr.write(`${name}: ${line}\n`);
    },
  };
}
