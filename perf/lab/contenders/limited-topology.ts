import type { Target } from "../../audit/parties.ts";
import type { PerRole } from "../../audit/totals.ts";
import { type ChildName, INSTANCE_MAIN, INSTANCE_NODE_FLAGS } from "../../launch/plans.ts";
import type { ChildHooks } from "../../launch/supervisor.ts";
import { startTopology, type Topology } from "../../launch/topology.ts";
import { FLOOR_MAIN } from "../floor/programs.ts";
import { chooseGroups } from "../limits/choose-groups.ts";
import { type CpuPeriods, periodsOf } from "../limits/cpu-periods.ts";
import { MEBIBYTE } from "../limits/limit.ts";
import type { CpuTime } from "../limits/process-groups.ts";
import { membersOf, readCpuSeconds, readUsage } from "../limits/process-usage.ts";
import type { ProcessReading } from "../limits/usage-between.ts";
import type { Deployment, ProcessReport } from "./deployment.ts";
import { INSTANCE_COUNT, type Limits, NamedGroups } from "./named-groups.ts";
import { senderPlan } from "./sender-plan.ts";

/**
 * What stands behind nginx: the service, or handlers that do no more than answer; of the fairer floor a process
 * beside them sends as many payments to the processors as they accept.
 */
export type Program = "service" | "floor" | "fair floor";

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
  /** Of the PostgreSQL that keeps the payments; without it journals do. */
  readonly storeUrl?: string;
};

/** Several topologies may share the machine, under limits: a start takes its time. */
const READY_TIMEOUT_MS = 60_000;

/** What the contest gives each of them: 1.5 CPU and 350 MB in all. */
export const CONTEST_LIMITS: Limits = {
  nginx: { cpus: 0.3, memoryBytes: 50 * MEBIBYTE },
  instance: { cpus: 0.6, memoryBytes: 150 * MEBIBYTE },
};

/**
 * The service and its processors on this machine, in processes of their own, under the contest's limits where
 * possible.
 */
export class LimitedTopology implements Deployment {
  readonly limitedBy: string | undefined;
  readonly unlimitedReason: string | undefined;
  readonly remarks = [];
  readonly #topology: Topology;
  readonly #groups: NamedGroups | undefined;
  readonly #cpuSecondsAtBegin = new Map<number, number>();
  readonly #members = new Map<ChildName, readonly string[]>();

  static async start(options: LimitedTopologyOptions, program: Program, signal: AbortSignal): Promise<LimitedTopology> {
    const { limits, label = "" } = options;
    const chosen = await chooseGroups();
    const groups = typeof chosen === "string" ? undefined : new NamedGroups(chosen, label, limits);
    const whyUnlimited = typeof chosen === "string" ? chosen : undefined;
    try {
      groups?.create();
      const topology = await startProcesses(options, program, groups, signal);
      return new LimitedTopology(topology, groups, limits === undefined ? "not asked for" : whyUnlimited);
    } catch (error) {
      await groups?.remove();
      throw error;
    }
  }

  private constructor(topology: Topology, groups: NamedGroups | undefined, unlimitedReason: string | undefined) {
    this.#topology = topology;
    this.#groups = groups;
    this.unlimitedReason = unlimitedReason;
    this.limitedBy = unlimitedReason === undefined ? groups?.means : undefined;
  }

  get target(): Target {
    const { url, processorUrls } = this.#topology;
    const processors = Object.fromEntries(Object.entries(processorUrls).map(([name, own]) => [name, new URL(own)]));
    return { service: new URL(url), processors, token: "123" };
  }

  markBegin(): void {
    for (const { name, pid } of this.#topology.processes) {
      this.#members.set(name, pid === undefined ? [] : membersOf(pid));
      const usage = pid === undefined ? undefined : readUsage(pid);
      if (pid !== undefined && usage !== undefined) this.#cpuSecondsAtBegin.set(pid, usage.cpuSeconds);
    }
  }

  /** By its group's account where there is one, else in ticks of 10 ms. */
  readings(): ProcessReading[] {
    return this.#topology.processes.map(({ name, pid = -1 }) => {
      const usage = this.#groups?.usage(name);
      return {
        name,
        cpu: usage?.cpu ?? cpuTimeOf(pid),
        throttledCount: usage?.throttledCount ?? 0,
        throttledMs: usage?.throttledMs ?? 0,
      };
    });
  }

  cpuSeconds(): Record<string, number | undefined> {
    return Object.fromEntries([...this.#members].map(([name, pids]) => [name, readCpuSeconds(pids)]));
  }

  cpuPeriods(): Record<string, CpuPeriods> {
    const limited = this.#topology.processes.filter(({ name }) => this.#groups?.limitOf(name) !== undefined);
    return periodsOf(limited.map(({ name }) => [name, this.#groups?.usage(name)]));
  }

  processReports(): ProcessReport[] {
    return this.#topology.processes.map(({ name, pid = -1 }) => {
      const usage = readUsage(pid) ?? { cpuSeconds: 0, rssPeakBytes: 0 };
      const limit = this.#groups?.limitOf(name);
      return {
        name,
        cpuSeconds: usage.cpuSeconds - (this.#cpuSecondsAtBegin.get(pid) ?? 0),
        rssPeakBytes: usage.rssPeakBytes,
        limit,
        limitUsage: limit === undefined ? undefined : this.#groups?.usage(name),
        wasRestarted: !this.#cpuSecondsAtBegin.has(pid),
      };
    });
  }

  async stop(): Promise<void> {
    await this.#topology.stop();
    await this.#groups?.remove();
  }
}

function startProcesses(
  options: LimitedTopologyOptions,
  program: Program,
  groups: NamedGroups | undefined,
  signal: AbortSignal,
): Promise<Topology> {
  const { port, fees, processorUrls = {}, profile, logLevel, nodeFlags = [], env, storeUrl = "" } = options;
  const main = program === "service" ? INSTANCE_MAIN : FLOOR_MAIN;
  const instance = [process.execPath, ...INSTANCE_NODE_FLAGS, ...nodeFlags, main];
  return startTopology({
    port,
    instanceCount: INSTANCE_COUNT,
    storeUrl,
    hasPaymentRate: program === "service" && groups?.limitOf("nginx")?.cpus === CONTEST_LIMITS.nginx.cpus,
    processorPorts: { default: 0, fallback: 0 },
    processorFees: fees,
    processorUrls,
    env: { PROFILE: profile, LOG_LEVEL: logLevel ?? "warn", ...env },
    commands: groups?.commands(instance) ?? { instance },
    companions: (places) => (program === "fair floor" ? [senderPlan(places, groups)] : []),
    readyTimeoutMs: READY_TIMEOUT_MS,
    hooks: hooksFor(logLevel !== undefined),
    signal,
  });
}

function cpuTimeOf(pid: number): CpuTime {
  const usage = readUsage(pid);
  return { totalMs: (usage?.cpuSeconds ?? 0) * 1000, systemMs: (usage?.systemSeconds ?? 0) * 1000 };
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
