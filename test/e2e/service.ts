import { startTopology, type Topology } from "../../perf/launch/topology.ts";
import type { TopologyOptions } from "../../perf/launch/topology-options.ts";
import { type ProcessorOptions, type RunningProcessor, startProcessor } from "../../perf/processor/processor.ts";
import type { ReadinessReport } from "../../server/api/readiness.ts";
import { Caller } from "./caller.ts";
import { until } from "./until.ts";
import { Wire } from "./wire.ts";

export type Role = "default" | "fallback";
export const ROLES: readonly Role[] = ["default", "fallback"];

export type ServiceOptions = {
  /** Settings of the instances. They log nothing unless told otherwise. */
  env?: Readonly<Record<string, string>>;
  processors?: Partial<Record<Role, Partial<ProcessorOptions>>>;
  /** What dies stays down unless this is set. */
  autoRestart?: boolean;
  hooks?: TopologyOptions["hooks"];
  metricsThroughNginx?: boolean;
};

/**
 * The whole service: nginx and two instances as processes of their own, and the two processors in this one, so that
 * tests can look into them and break the wire that leads there.
 */
export class Service {
  readonly topology: Topology;
  readonly processors: Readonly<Record<Role, RunningProcessor>>;
  readonly wires: Readonly<Record<Role, Wire>>;
  /** Through nginx. */
  readonly front: Caller;
  /** Around nginx, to each instance's own socket. */
  readonly instances: readonly Caller[];

  private constructor(topology: Topology, processors: Service["processors"], wires: Service["wires"]) {
    this.topology = topology;
    this.processors = processors;
    this.wires = wires;
    this.front = new Caller(this.frontTarget);
    this.instances = [1, 2].map((instance) => new Caller({ socketPath: topology.instanceSocket(instance) }));
  }

  static async start({
    env = {},
    processors = {},
    autoRestart = false,
    hooks = {},
    metricsThroughNginx = false,
  }: ServiceOptions = {}): Promise<Service> {
    const running = {
      default: await startProcessor({ fee: 0.05, ...processors.default }),
      fallback: await startProcessor({ fee: 0.15, ...processors.fallback }),
    };
    const wires = { default: await Wire.to(running.default.port), fallback: await Wire.to(running.fallback.port) };
    try {
      const topology = await startTopology({
        port: 0,
        processorUrls: { default: wires.default.url, fallback: wires.fallback.url },
        env: { LOG_LEVEL: "silent", ...env },
        autoRestart,
        hooks,
        metricsThroughNginx,
      });
      const service = new Service(topology, running, wires);
      await service.untilAtHome();
      return service;
    } catch (error) {
      for (const role of ROLES) await closeProcessor(running[role], wires[role]);
      throw error;
    }
  }

  /** What an instance, from 1, says of itself. */
  async readyOf(instance: number): Promise<ReadinessReport> {
    return JSON.parse((await this.instances[instance - 1]!.get("/ready")).body) as ReadinessReport;
  }

  /**
   * Resolves when both instances know that each partition is where it prefers to be: that may take some seconds after a
   * restart, or where one of two that start together was much slower.
   */
  async untilAtHome(): Promise<void> {
    await until("every partition is at home", async () => {
      const reports = await Promise.all([1, 2].map((instance) => this.readyOf(instance)));
      return reports
        .flatMap(({ partitions }) => partitions)
        .every(({ partition, instance, state }) => state === "carried" && instance === 2 - (partition % 2));
    });
  }

  get frontTarget(): { host: string; port: number } {
    return { host: this.topology.host, port: this.topology.port };
  }

  pidOf(name: string): number | undefined {
    return this.topology.processes.find((process) => process.name === name)?.pid;
  }

  /** Both processors well and at once. */
  async heal(): Promise<void> {
    for (const role of ROLES) {
      Object.assign(this.processors[role].settings, { delayMs: 0, failing: false });
      this.processors[role].misbehave();
      await this.wires[role].set("open");
    }
  }

  async stop(): Promise<void> {
    for (const caller of [this.front, ...this.instances]) caller.close();
    await this.topology.stop();
    for (const role of ROLES) await closeProcessor(this.processors[role], this.wires[role]);
  }
}

async function closeProcessor(processor: RunningProcessor, wire: Wire): Promise<void> {
  await wire.close();
  processor.close();
}
