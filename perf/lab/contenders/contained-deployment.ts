import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Target } from "../../audit/parties.ts";
import type { PerRole } from "../../audit/totals.ts";
import { say } from "../../command/run-command.ts";
import { imagesOfComposeFile, imagesOfDockerfile, provideImage } from "../../containers/base-images.ts";
import { Composition } from "../../containers/composition.ts";
import type { Engine } from "../../containers/engine.ts";
import type { ChildName } from "../../launch/plans.ts";
import { feeText } from "../../launch/processors.ts";
import { ContainerGroup } from "../limits/container-group.ts";
import { type CpuPeriods, periodsOf } from "../limits/cpu-periods.ts";
import { type Limit, MEBIBYTE } from "../limits/limit.ts";
import type { ProcessReading } from "../limits/usage-between.ts";
import type { Deployment, ProcessReport } from "./deployment.ts";
import type { Limits } from "./named-groups.ts";

const CGROUP_ROOT = "/sys/fs/cgroup";
/** Of the compose files. */
const PORTS = { service: 9999, default: 8001, fallback: 8002 };
const SERVICES = ["nginx", "instance-1", "instance-2"] as const;
const PROCESSORS = { default: "payment-processor-default", fallback: "payment-processor-fallback" } as const;

export type ContainedOptions = {
  readonly fees: PerRole<number>;
  readonly limits: Limits;
};

/** A container, by the name that its process has elsewhere in the lab. */
type Contained = {
  readonly name: ChildName;
  readonly limit: Limit | undefined;
  readonly group: ContainerGroup | undefined;
};

/** docker/compose.yml and docker/compose.processors.yml, built and run in a Docker engine. */
export class ContainedDeployment implements Deployment {
  readonly limitedBy: string;
  readonly unlimitedReason = undefined;
  readonly remarks: readonly string[];
  readonly target: Target;
  readonly #containers: readonly Contained[];
  readonly #stop: () => Promise<void>;
  #cpuMsAtBegin = new Map<ChildName, number>();
  #membersAtBegin = new Map<ChildName, readonly string[]>();

  static async start(engine: Engine, options: ContainedOptions, signal: AbortSignal): Promise<ContainedDeployment> {
    const compositions = compositionsOf(engine, options);
    const stop = async (): Promise<void> => {
      for (const composition of compositions.toReversed()) await composition.down("data");
    };
    try {
      const images = new Set([...imagesOfDockerfile(), ...imagesOfComposeFile("compose.yml")]);
      for (const image of images) {
        signal.throwIfAborted();
        say(`${image}: ${await provideImage(engine, image, say)}`);
      }
      say("building and starting the containers");
      for (const composition of compositions) {
        signal.throwIfAborted();
        await composition.up();
      }
      const containers = await findContainers(compositions, options.limits);
      return new ContainedDeployment(engine, containers, stop);
    } catch (error) {
      await stop();
      throw error;
    }
  }

  private constructor(engine: Engine, containers: readonly Contained[], stop: () => Promise<void>) {
    const url = (port: number): URL => new URL(`http://${engine.address}:${port}`);
    this.target = {
      service: url(PORTS.service),
      processors: { default: url(PORTS.default), fallback: url(PORTS.fallback) },
      token: "123",
    };
    this.limitedBy = engine.text;
    this.#containers = containers;
    this.#stop = stop;
    const unseen = containers.filter(({ group }) => group === undefined).map(({ name }) => name);
    this.remarks = [
      "ours runs in containers, reached through their published port; floors run as processes of this machine",
      "the service's settings are those of docker/compose.yml: this environment's do not reach containers",
      ...(unseen.length === 0 ? [] : [`CPU time and memory of these containers cannot be read: ${unseen.join(", ")}`]),
    ];
  }

  markBegin(): void {
    this.#cpuMsAtBegin = new Map(this.#containers.map(({ name, group }) => [name, cpuMsOf(group)]));
    this.#membersAtBegin = new Map(this.#containers.map(({ name, group }) => [name, group?.members() ?? []]));
  }

  readings(): ProcessReading[] {
    return this.#containers.flatMap(({ name, group }) => {
      const usage = group?.usage();
      if (usage?.cpu === undefined) return [];
      const { cpu, throttledCount, throttledMs } = usage;
      return [{ name, cpu, throttledCount, throttledMs }];
    });
  }

  cpuSeconds(): Record<string, number | undefined> {
    return Object.fromEntries(
      this.#containers.map(({ name, group }) => {
        const totalMs = group?.usage()?.cpu?.totalMs;
        return [name, totalMs === undefined ? undefined : totalMs / 1000];
      }),
    );
  }

  cpuPeriods(): Record<string, CpuPeriods> {
    const limited = this.#containers.filter(({ limit }) => limit !== undefined);
    return periodsOf(limited.map(({ name, group }) => [name, group?.usage()]));
  }

  processReports(): ProcessReport[] {
    return this.#containers.map(({ name, limit, group }) => {
      const membersAtBegin = this.#membersAtBegin.get(name) ?? [];
      const members = group?.members() ?? [];
      const wasRestarted = membersAtBegin.length > 0 && !members.some((pid) => membersAtBegin.includes(pid));
      return {
        name,
        cpuSeconds: (cpuMsOf(group) - (wasRestarted ? 0 : (this.#cpuMsAtBegin.get(name) ?? 0))) / 1000,
        rssPeakBytes: group?.rssPeakBytes() ?? 0,
        limit,
        limitUsage: limit === undefined ? undefined : group?.usage(),
        wasRestarted,
      };
    });
  }

  stop(): Promise<void> {
    return this.#stop();
  }
}

function cpuMsOf(group: ContainerGroup | undefined): number {
  return group?.usage()?.cpu?.totalMs ?? 0;
}

/** The processors first: theirs is the network that the service joins. */
function compositionsOf(engine: Engine, { fees, limits }: ContainedOptions): Composition[] {
  const override = (name: string, services: object): string => {
    const file = join(engine.facts.folder, `lab-${name}.json`);
    // Every JSON text is a YAML text.
    writeFileSync(file, JSON.stringify({ services }));
    return file;
  };
  const paid = Object.entries(PROCESSORS).map(([role, service]) => {
    const fee = feeText(fees[role as keyof PerRole<number>]);
    return [service, { command: ["--name", role, "--fee", fee, "--port", "8080", "--host", "0.0.0.0"] }];
  });
  const limited = SERVICES.map((service) => [
    service,
    { deploy: { resources: { limits: composeLimit(limits, service) } } },
  ]);
  const files = [
    ["lab-processors", "compose.processors.yml", override("processors", Object.fromEntries(paid))],
    ["lab-service", "compose.yml", override("service", Object.fromEntries(limited))],
  ] as const;
  return files.map(([project, ...own]) => new Composition(engine, { project: `rinha-${project}`, files: own }));
}

function limitOf(limits: Limits, service: string): Limit {
  return service === "nginx" ? limits.nginx : limits.instance;
}

function composeLimit(limits: Limits, service: string): { cpus: string; memory: string } {
  const { cpus, memoryBytes } = limitOf(limits, service);
  return { cpus: `${cpus}`, memory: `${memoryBytes / MEBIBYTE}MB` };
}

async function findContainers([processors, service]: readonly Composition[], limits: Limits): Promise<Contained[]> {
  const found: Contained[] = [];
  const add = async (from: Composition, of: string, name: ChildName, limit: Limit | undefined): Promise<void> => {
    const { Id } = await from.facts(of);
    found.push({ name, limit, group: ContainerGroup.find(CGROUP_ROOT, Id) });
  };
  for (const [role, of] of Object.entries(PROCESSORS)) await add(processors!, of, `processor-${role}`, undefined);
  for (const of of SERVICES) await add(service!, of, of, limitOf(limits, of));
  return found;
}
