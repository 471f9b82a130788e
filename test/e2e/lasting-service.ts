import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTopology, type Topology } from "../../perf/launch/topology.ts";
import { everything } from "../../perf/processor/charges.ts";
import { type RunningProcessor, startProcessor } from "../../perf/processor/processor.ts";
import type { ReadinessReport } from "../../server/api/readiness.ts";
import { Caller, type Target } from "./caller.ts";
import { Load, type LoadOptions } from "./load.ts";
import { ROLES, type Role } from "./service.ts";
import { summaryOf, type Totals } from "./summaries.ts";
import { until } from "./until.ts";

export type Surroundings = {
  /** Of the PostgreSQL that keeps the payments; without it journals do. */
  storeUrl?: string;
  /** Where the processors listen. */
  processorHost?: string;
  /** Stands in for the usual one. */
  instanceCommand?: readonly string[];
};

const NOTHING: Totals = { count: 0, cents: 0 };

/** Two processors and data that outlive the instances: those begin and end, be they one or more. */
export class LastingService {
  readonly processors: Readonly<Record<Role, RunningProcessor>>;
  readonly dataDir = mkdtempSync(join(tmpdir(), "rinha-lasting-"));
  readonly #storeUrl: string;
  readonly #instanceCommand: readonly string[] | undefined;
  #topology: Topology | undefined;
  #callers: Caller[] = [];

  private constructor(processors: LastingService["processors"], { storeUrl = "", instanceCommand }: Surroundings) {
    this.processors = processors;
    this.#storeUrl = storeUrl;
    this.#instanceCommand = instanceCommand;
  }

  static async start(surroundings: Surroundings = {}): Promise<LastingService> {
    const { processorHost: host = "127.0.0.1" } = surroundings;
    const processors = {
      default: await startProcessor({ fee: 0.05, host }),
      fallback: await startProcessor({ fee: 0.15, host }),
    };
    return new LastingService(processors, surroundings);
  }

  /** Starts so many instances and nginx; what dies stays down. */
  async begin(instanceCount: number, env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#topology = await startTopology({
      port: 0,
      instanceCount,
      storeUrl: this.#storeUrl,
      processorUrls: { default: this.processors.default.url, fallback: this.processors.fallback.url },
      env: { LOG_LEVEL: "silent", ...(this.#storeUrl === "" && { DATA_DIR: this.dataDir }), ...env },
      autoRestart: false,
      ...(this.#instanceCommand && { commands: { instance: this.#instanceCommand } }),
    });
    const { host, port } = this.#topology;
    this.#callers = [{ host, port }, ...this.instances.map((i) => this.targetOf(i))].map(
      (target) => new Caller(target),
    );
    if (this.#storeUrl === "") await this.untilAtHome();
    else await this.untilShared(this.instances);
  }

  /** Ends all instances in order. */
  async end(): Promise<void> {
    for (const caller of this.#callers.splice(0)) caller.close();
    await this.#topology?.stop();
    this.#topology = undefined;
  }

  async stop(): Promise<void> {
    await this.end();
    for (const role of ROLES) this.processors[role].close();
    rmSync(this.dataDir, { recursive: true });
  }

  get topology(): Topology {
    if (!this.#topology) throw new Error("the instances run: running=false");
    return this.#topology;
  }

  /** Through nginx. */
  get front(): Caller {
    return this.#callers[0]!;
  }

  /** All that there are, from 1, whether they run or not. */
  get instances(): number[] {
    return Array.from({ length: this.topology.instanceCount }, (_, i) => i + 1);
  }

  /** Those that have a process, which may be stopped. */
  get running(): number[] {
    const names = this.topology.processes.filter(({ pid }) => pid !== undefined).map(({ name }) => name);
    return this.instances.filter((instance) => names.includes(`instance-${instance}`));
  }

  /** Around nginx, to an instance's own socket. */
  at(instance: number): Caller {
    return this.#callers[instance]!;
  }

  targetOf(instance: number): Target {
    return { socketPath: this.topology.instanceSocket(instance) };
  }

  async readyOf(instance: number): Promise<ReadinessReport> {
    return JSON.parse((await this.at(instance).get("/ready")).body) as ReadinessReport;
  }

  /** Who carries each partition, as an instance, from 1, knows it. */
  async carriersAt(instance: number): Promise<(number | null)[]> {
    const { partitions } = await this.readyOf(instance);
    return partitions.map((partition) => (partition.state === "carried" ? partition.instance : null));
  }

  /** Waits until these instances carry all partitions, share them evenly, and agree about it. */
  async untilShared(instances: readonly number[]): Promise<void> {
    let known: (number | null)[][] = [];
    await until(`the partitions are shared by ${instances}`, async () => {
      known = await Promise.all(instances.map((instance) => this.carriersAt(instance)));
      const counts = instances.map((instance) => known[0]!.filter((carrier) => carrier === instance).length);
      const isEven = Math.max(...counts) - Math.min(...counts) <= 1;
      const areAll = counts.reduce((sum, count) => sum + count, 0) === known[0]!.length;
      return isEven && areAll && known.every((carriers) => carriers.join() === known[0]!.join());
    }).catch((error: Error) => {
      throw new Error(`${error.message} carriers=${JSON.stringify(known)}`);
    });
  }

  async untilCarriedBy(expected: readonly number[], knownTo: readonly number[]): Promise<void> {
    await until(`the partitions are carried by ${expected}`, async () => {
      const known = await Promise.all(knownTo.map((instance) => this.carriersAt(instance)));
      return known.every((carriers) => carriers.join() === expected.join());
    });
  }

  async untilAtHome(): Promise<void> {
    if (this.topology.instanceCount === 1) await this.untilCarriedBy([1, 1], [1]);
    else await this.untilCarriedBy([1, 2], [1, 2]);
  }

  /** What the processors have charged. */
  books(): Record<Role, Totals> {
    const [first, second] = ROLES.map((role) => {
      const { charges } = this.processors[role];
      const list = charges.list(everything, 0, charges.count);
      return { count: list.length, cents: list.reduce((sum, { amountCents }) => sum + amountCents, 0) };
    });
    return { default: first!, fallback: second! };
  }

  /** Waits until the summary tells so many; the summary, and what the processors say of the same. */
  async settled(count: number): Promise<{ told: Record<Role, Totals>; charged: Record<Role, Totals> }> {
    let told = { default: NOTHING, fallback: NOTHING };
    await until(`${count} payments are processed`, async () => {
      // A carrier that cannot be reached for a moment makes it a 503.
      const summary = await summaryOf(this.front).catch(() => undefined);
      if (summary === undefined) return false;
      told = { default: summary.default, fallback: summary.fallback };
      return told.default.count + told.fallback.count >= count;
    });
    return { told, charged: this.books() };
  }

  /** A few clients that pay and look, each with a pause after every answer. */
  startLoad(options: LoadOptions = {}): Load {
    return new Load(this.front, options);
  }
}
