import type { PerRole } from "../../audit/totals.ts";
import { findNginx } from "../../launch/nginx.ts";
import { type ChildName, type CommandOverrides, INSTANCE_MAIN, INSTANCE_NODE_FLAGS } from "../../launch/plans.ts";
import type { ChildHooks } from "../../launch/supervisor.ts";
import { startTopology, type Topology } from "../../launch/topology.ts";
import type { Target } from "../contest/measurement.ts";
import { FLOOR_MAIN } from "../floor/floor-main.ts";
import { ControlGroups, type CpuTime, type Limit, type LimitUsage } from "../limits/cgroups.ts";
import { membersOf, readCpuSeconds, readUsage } from "../limits/process-usage.ts";

/** What each of them may use, or none at all. */
export type Limits = {
  readonly nginx: Limit;
  readonly instance: Limit;
};

/** What stands behind nginx: the service, or handlers that do no more than answer. */
export type Program = "service" | "floor";

export type LimitedTopologyOptions = {
  readonly profile: "contest" | "default";
  /** 0: any free one. */
  readonly port: number;
  readonly fees: PerRole<number>;
  readonly limits: Limits | undefined;
  /** Of the instances; `undefined` is quiet, and what they say is kept to themselves. */
  readonly logLevel: string | undefined;
  /** Tells this topology's groups from another's of the same process. */
  readonly label?: string;
  /** For node, before the instance's program. */
  readonly nodeFlags?: readonly string[];
  /** Processors that run elsewhere; none are started then. */
  readonly processorUrls?: PerRole<string>;
  /** For the instances, on top of this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
};

/** What the contest gives each of them: 1.5 CPU and 350 MB in all. */
export const CONTEST_LIMITS: Limits = {
  nginx: { cpus: 0.3, memoryBytes: 50 * 1024 * 1024 },
  instance: { cpus: 0.6, memoryBytes: 150 * 1024 * 1024 },
};

/** What one process with its children has taken, up to a moment. */
export type ProcessReading = {
  readonly name: ChildName;
  readonly cpu: CpuTime;
  readonly throttledCount: number;
  readonly throttledMs: number;
};

/** What one process, with its children, took from the beginning of the load to its end. */
export type ProcessReport = {
  readonly name: ChildName;
  readonly cpuSeconds: number;
  readonly rssPeakBytes: number;
  readonly limit: Limit | undefined;
  /** From its start on. */
  readonly limitUsage: LimitUsage | undefined;
  /** It is not the process that was there at the beginning. */
  readonly wasRestarted: boolean;
};

const INSTANCE_COUNT = 2;

/** The service and its processors on this machine, in processes of their own, under the contest's limits where possible. */
export class LimitedTopology {
  /** Why there are no limits. */
  readonly unlimitedReason: string | undefined;
  readonly #topology: Topology;
  readonly #groups: ControlGroups;
  readonly #limits: Limits | undefined;
  readonly #label: string;
  readonly #cpuSecondsAtBegin = new Map<number, number>();
  readonly #members = new Map<ChildName, readonly string[]>();

  static async start(options: LimitedTopologyOptions, program: Program, signal: AbortSignal): Promise<LimitedTopology> {
    const { label = "" } = options;
    const groups = new ControlGroups();
    const whyNoGroups = groups.whyNot();
    const unlimitedReason = options.limits === undefined ? "not asked for" : whyNoGroups;
    const limits = unlimitedReason === undefined ? options.limits : undefined;
    try {
      const instance = instanceCommand(program, options);
      const grouped = whyNoGroups === undefined ? groupedCommands(groups, instance, label, limits) : undefined;
      const topology = await startTopology({
        port: options.port,
        instanceCount: INSTANCE_COUNT,
        processorPorts: { default: 0, fallback: 0 },
        processorFees: options.fees,
        processorUrls: options.processorUrls ?? {},
        env: { PROFILE: options.profile, LOG_LEVEL: options.logLevel ?? "warn", ...options.env },
        commands: grouped ?? { instance },
        hooks: hooksFor(options.logLevel !== undefined),
        signal,
      });
      return new LimitedTopology(topology, groups, { limits, unlimitedReason, label });
    } catch (error) {
      await groups.remove();
      throw error;
    }
  }

  private constructor(
    topology: Topology,
    groups: ControlGroups,
    made: { limits: Limits | undefined; unlimitedReason: string | undefined; label: string },
  ) {
    this.#topology = topology;
    this.#groups = groups;
    this.#limits = made.limits;
    this.#label = made.label;
    this.unlimitedReason = made.unlimitedReason;
  }

  get target(): Target {
    const { url, processorUrls } = this.#topology;
    const processors = { default: new URL(processorUrls.default), fallback: new URL(processorUrls.fallback) };
    return { service: new URL(url), processors, token: "123" };
  }

  /** To be called as the load begins: what was before is not counted. */
  markBegin(): void {
    for (const { name, pid } of this.#topology.processes) {
      this.#members.set(name, pid === undefined ? [] : membersOf(pid));
      const usage = pid === undefined ? undefined : readUsage(pid);
      if (pid !== undefined && usage !== undefined) this.#cpuSecondsAtBegin.set(pid, usage.cpuSeconds);
    }
  }

  /** Of every process there is just now. By its group's account where there is one, else in ticks of 10 ms. */
  readings(): ProcessReading[] {
    return this.#topology.processes.map(({ name, pid = -1 }) => {
      const usage = this.#groups.usage(groupName(this.#label, name));
      return {
        name,
        cpu: this.#groups.cpuTime(groupName(this.#label, name)) ?? cpuTimeOf(pid),
        throttledCount: usage?.throttledCount ?? 0,
        throttledMs: usage?.throttledMs ?? 0,
      };
    });
  }

  /** Quick: only those who were there as the load began. */
  cpuSeconds(): Record<string, number | undefined> {
    return Object.fromEntries([...this.#members].map(([name, pids]) => [name, readCpuSeconds(pids)]));
  }

  processReports(): ProcessReport[] {
    return this.#topology.processes.map(({ name, pid = -1 }) => {
      const usage = readUsage(pid) ?? { cpuSeconds: 0, rssPeakBytes: 0 };
      const limit = this.#limitOf(name);
      return {
        name,
        cpuSeconds: usage.cpuSeconds - (this.#cpuSecondsAtBegin.get(pid) ?? 0),
        rssPeakBytes: usage.rssPeakBytes,
        limit,
        limitUsage: limit === undefined ? undefined : this.#groups.usage(groupName(this.#label, name)),
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

function groupName(label: string, name: string): string {
  return label === "" ? name : `${label}-${name}`;
}

function cpuTimeOf(pid: number): CpuTime {
  const usage = readUsage(pid);
  return { totalMs: (usage?.cpuSeconds ?? 0) * 1000, systemMs: (usage?.systemSeconds ?? 0) * 1000 };
}

function instanceCommand(program: Program, { nodeFlags = [] }: LimitedTopologyOptions): readonly string[] {
  return [process.execPath, ...INSTANCE_NODE_FLAGS, ...nodeFlags, program === "floor" ? FLOOR_MAIN : INSTANCE_MAIN];
}

/** Inside groups, with limits or without. Each instance finds its number in its environment. */
function groupedCommands(
  groups: ControlGroups,
  instance: readonly string[],
  label: string,
  limits: Limits | undefined,
): CommandOverrides {
  groups.create(groupName(label, "nginx"), limits?.nginx);
  for (let number = 1; number <= INSTANCE_COUNT; number++) {
    groups.create(groupName(label, `instance-${number}`), limits?.instance);
  }
  return {
    nginx: groups.commandInside(groupName(label, "nginx"), [findNginx()]),
    instance: groups.commandInside(groupName(label, "instance-$INSTANCE"), instance),
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
