import { runTool, type ToolOptions } from "./tool.ts";

/** `--start-interval`, which docker/Dockerfile asks for, came with it. */
export const ENGINE_VERSION_MIN = 25;

/** What differs from engine to engine. */
export type EngineFacts = {
  /** As `docker version` tells it. */
  readonly version: string;
  /** Where it is from, for people. */
  readonly origin: string;
  /** Where its published ports are reached. */
  readonly address: string;
  /** A folder of ours that the engine sees under the same path. */
  readonly folder: string;
  /** Comes before `docker`: what enters the engine's namespaces. */
  readonly entry: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** We have started it, so that nobody else sees its images. */
  readonly isOurs: boolean;
  /** Ends what was started for it, and removes its folder if it is a temporary one. */
  end(): Promise<void>;
};

/** A Docker engine that runs, and its command. */
export class Engine {
  readonly facts: EngineFacts;
  readonly #made: string[] = [];
  #ended: Promise<void> | undefined;

  constructor(facts: EngineFacts) {
    this.facts = facts;
  }

  /** "Docker 26.1.5 (started from Debian's packages)". */
  get text(): string {
    return `Docker ${this.facts.version} (${this.facts.origin})`;
  }

  get address(): string {
    return this.facts.address;
  }

  /** What `docker` prints. Rejects with the end of what it said where it fails. */
  docker(args: readonly string[], { env, ...options }: ToolOptions = {}): Promise<string> {
    const [command, ...rest] = [...this.facts.entry, "docker", ...args];
    return runTool(command!, rest, { ...options, env: { ...this.facts.env, ...env } });
  }

  /** Whether an image of that name is there already. */
  has(image: string): Promise<boolean> {
    return this.docker(["image", "inspect", "--format", "{{.Id}}", image]).then(
      () => true,
      () => false,
    );
  }

  /** In bytes, with all its layers. */
  async imageBytes(image: string): Promise<number> {
    return Number(await this.docker(["image", "inspect", "--format", "{{.Size}}", image]));
  }

  /**
   * Builds an image from a folder with a Dockerfile, or as further options of `docker build` say. In somebody else's
   * engine it goes when this is closed.
   */
  async build(image: string, context: string, options: readonly string[] = []): Promise<void> {
    await this.docker(["build", "--quiet", "--tag", image, ...options, context]);
    if (!this.facts.isOurs) this.#made.push(image);
  }

  /** Likewise, of a file system in a tar file. */
  async import(image: string, archive: string): Promise<void> {
    await this.docker(["import", archive, image]);
    if (!this.facts.isOurs) this.#made.push(image);
  }

  /** Any number of times; the same end for all. */
  close(): Promise<void> {
    this.#ended ??= this.#close();
    return this.#ended;
  }

  async #close(): Promise<void> {
    try {
      if (this.#made.length > 0) await this.docker(["image", "rm", ...this.#made]);
    } finally {
      await this.facts.end();
    }
  }
}

/** Why an engine of that version cannot be used; undefined where it can. */
export function whyTooOld(version: string): string | undefined {
  if (Number.parseInt(version, 10) >= ENGINE_VERSION_MIN) return undefined;
  return `the Docker engine must be ${ENGINE_VERSION_MIN} or newer: version=${version}`;
}
