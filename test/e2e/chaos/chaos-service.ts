import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { startTopology, type Topology } from "../../../perf/launch/topology.ts";
import type { TopologyOptions } from "../../../perf/launch/topology-options.ts";
import { type RunningProcessor, startProcessor } from "../../../perf/processor/processor.ts";
import { Random } from "../../support/random.ts";
import { FaultyProxy } from "./faulty-proxy.ts";
import { Loader } from "./loader.ts";

export const INSTANCES = [1, 2] as const;
const SETTLED_TIMEOUT_MS = 60_000;

export type Ready = {
  ready: boolean;
  refusal: string | null;
  partitions: { writable: boolean | null }[];
  payments: { kept: number; pending: number; sending: number; inDoubt: number; processed: number; failed: number };
};

/** CHAOS_SEED repeats a run as far as real processes can be made to repeat one. */
export function chaosSeed(): number {
  const chosen = process.env["CHAOS_SEED"];
  return chosen === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(chosen);
}

/** nginx, two instances, and two processors in this process behind proxies that misbehave. */
export class ChaosService {
  readonly random: Random;
  readonly processors: readonly RunningProcessor[];
  readonly proxies: readonly FaultyProxy[];
  readonly topology: Topology;
  readonly loader: Loader;

  private constructor(
    random: Random,
    processors: readonly RunningProcessor[],
    proxies: readonly FaultyProxy[],
    topology: Topology,
  ) {
    this.random = random;
    this.processors = processors;
    this.proxies = proxies;
    this.topology = topology;
    this.loader = new Loader({ host: topology.host, port: topology.port }, random);
  }

  static async start(
    seed: number,
    env: Record<string, string>,
    options: Pick<TopologyOptions, "nodeFlags"> = {},
  ): Promise<ChaosService> {
    const random = new Random(seed);
    const processors = [await startProcessor({ fee: 0.05 }), await startProcessor({ fee: 0.15 })];
    const proxies = processors.map(({ port }) => new FaultyProxy(port, random));
    for (const proxy of proxies) await proxy.appear();
    const topology = await startTopology({
      port: 0,
      processorUrls: { default: proxies[0]!.url, fallback: proxies[1]!.url },
      env: { LOG_LEVEL: "warn", DURABILITY: "write", REQUEST_TIMEOUT_MS: "400", ...env },
      ...options,
    });
    return new ChaosService(random, processors, proxies, topology);
  }

  /** Whatever is wrong with the processors is over. */
  async heal(): Promise<void> {
    for (const proxy of this.proxies) {
      proxy.faultShare = 0;
      await proxy.appear();
    }
    for (const { settings } of this.processors) Object.assign(settings, { delayMs: 0, failing: false });
    for (const instance of INSTANCES) await this.topology.running(`instance-${instance}`);
  }

  /** `kill -9`, in whatever the instance is doing, its recovery included; it is started again at once. */
  async kill(instance: (typeof INSTANCES)[number]): Promise<void> {
    const { pid } = this.topology.processes.find(({ name }) => name === `instance-${instance}`)!;
    if (pid !== undefined) await this.topology.kill(`instance-${instance}`);
  }

  /** The instance's own answer, around nginx. */
  ask(
    instance: number,
    path: string,
  ): Promise<{ status: number; body: string; headers: NodeJS.Dict<string | string[]> }> {
    return new Promise((resolve, reject) => {
      const options = { socketPath: this.topology.instanceSocket(instance), path, agent: false as const };
      const outgoing = request(options, (incoming) => {
        let body = "";
        incoming.setEncoding("utf8");
        incoming.on("data", (part: string) => {
          body += part;
        });
        incoming.once("error", reject);
        incoming.once("end", () => resolve({ status: incoming.statusCode ?? 0, body, headers: incoming.headers }));
      });
      outgoing.once("error", reject);
      outgoing.end();
    });
  }

  async ready(instance: number): Promise<Ready> {
    return JSON.parse((await this.ask(instance, "/ready")).body) as Ready;
  }

  /** Waits until no payment is on its way any more, at either instance. */
  async settled(): Promise<void> {
    const deadlineMs = performance.now() + SETTLED_TIMEOUT_MS;
    for (;;) {
      const reports = await Promise.all(INSTANCES.map((instance) => this.ready(instance)));
      const open = reports.map(({ payments: { pending, sending, inDoubt } }) => pending + sending + inDoubt);
      if (open.every((count) => count === 0)) return;
      if (performance.now() > deadlineMs)
        throw new Error(`every payment must settle once the faults are over: open=${JSON.stringify(reports)}`);
      await sleep(20);
    }
  }

  async stop(): Promise<void> {
    await this.topology.stop();
    for (const proxy of this.proxies) await proxy.close();
    for (const processor of this.processors) processor.close();
  }
}
