import { join } from "node:path";
import type { Engine } from "./engine.ts";
import { PROJECT } from "./project.ts";
import type { ToolOptions } from "./tool.ts";

/** Images are built, and health checks pass, within this. */
const UP_TIMEOUT_MS = 540_000;
const HEALTHY_TIMEOUT_S = 180;
/** Lines of each container. */
const LOG_TAIL = "15";

/** What `docker inspect` tells of a container, as far as somebody asks. */
export type ContainerFacts = {
  readonly Id: string;
  readonly Name: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Status: string;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    readonly StartedAt: string;
    readonly Health?: { readonly Status: string };
  };
  readonly HostConfig: { readonly ReadonlyRootfs: boolean; readonly Memory: number; readonly NanoCpus: number };
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[] | null>>;
    readonly Networks: Readonly<Record<string, object>>;
  };
};

export type CompositionOptions = {
  /** Other than the file's own, so that nobody's deployment is met. */
  readonly project: string;
  /** Compose files: names in docker/, or absolute paths. */
  readonly files: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
};

/** The containers of compose files, by their services. */
export class Composition {
  readonly project: string;
  readonly #engine: Engine;
  readonly #args: readonly string[];
  readonly #env: NodeJS.ProcessEnv;

  constructor(engine: Engine, { project, files, env = {} }: CompositionOptions) {
    this.project = project;
    this.#engine = engine;
    this.#env = env;
    const paths = files.map((file) => (file.startsWith("/") ? file : join(PROJECT, "docker", file)));
    this.#args = ["compose", "--project-name", project, ...paths.flatMap((path) => ["--file", path])];
  }

  /** What `docker compose …` prints. */
  run(args: readonly string[], options: ToolOptions = {}): Promise<string> {
    return this.#engine.docker([...this.#args, ...args], { ...options, env: this.#env });
  }

  /**
   * Builds what is to be built, and resolves when all that have a health check are healthy. Rejects with the last of
   * what the containers have said.
   */
  async up(...services: readonly string[]): Promise<void> {
    const wait = ["--wait", "--wait-timeout", String(HEALTHY_TIMEOUT_S)];
    try {
      await this.run(["up", "--detach", "--build", "--quiet-pull", ...wait, ...services], { timeoutMs: UP_TIMEOUT_MS });
    } catch (error) {
      const said = await this.run(["logs", "--no-color", "--tail", LOG_TAIL], { withErrors: true }).catch(() => "");
      throw new Error(`${(error as Error).message}\n${said}`);
    }
  }

  /** Removes containers and networks; also the data, that is the volumes; or the images that were built as well. */
  async down(what: "containers" | "data" | "everything"): Promise<void> {
    const volumes = what === "containers" ? [] : ["--volumes"];
    const images = what === "everything" ? ["--rmi", "local"] : [];
    await this.run(["down", "--remove-orphans", ...volumes, ...images]);
  }

  /** What a program prints in a service's container. */
  exec(service: string, ...command: readonly string[]): Promise<string> {
    return this.run(["exec", "--no-TTY", service, ...command]);
  }

  /** What a service's container has printed, to its standard output and then to its standard error. */
  async logs(service: string): Promise<string> {
    return this.#engine.docker(["logs", await this.#containerOf(service)], { withErrors: true });
  }

  async facts(service: string): Promise<ContainerFacts> {
    const [facts] = JSON.parse(await this.#engine.docker(["inspect", await this.#containerOf(service)])) as [
      ContainerFacts,
    ];
    return facts;
  }

  async #containerOf(service: string): Promise<string> {
    const id = (await this.run(["ps", "--all", "--quiet", service])).trim();
    if (id === "") throw new Error(`the service must have a container: service=${service}`);
    return id;
  }
}
