import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningProcessor, startProcessor } from "../../perf/processor/processor.ts";
import { Caller } from "./caller.ts";
import { startLoneInstance } from "./lone-instance.ts";
import { chargesOf } from "./payments.ts";
import { ROLES, type Role } from "./service.ts";
import { Wire } from "./wire.ts";

/** One instance, two processors, and copies of the instance's data: one life after another, with data of the past. */
export class RestoredService {
  readonly processors: Readonly<Record<Role, RunningProcessor>>;
  readonly wires: Readonly<Record<Role, Wire>>;
  /** What the life that goes on has logged so far. */
  log = "";
  #caller: Caller | undefined;
  #child: ChildProcess | undefined;
  readonly #directory = mkdtempSync(join(tmpdir(), "rinha-restored-"));
  #dataDir = join(this.#directory, "data");
  #lifeCount = 0;

  private constructor(processors: RestoredService["processors"], wires: RestoredService["wires"]) {
    this.processors = processors;
    this.wires = wires;
  }

  static async start(): Promise<RestoredService> {
    const processors = { default: await startProcessor({ fee: 0.05 }), fallback: await startProcessor({ fee: 0.15 }) };
    const wires = {
      default: await Wire.to(processors.default.port),
      fallback: await Wire.to(processors.fallback.port),
    };
    return new RestoredService(processors, wires);
  }

  get caller(): Caller {
    if (!this.#caller) throw new Error("the instance runs: running=false");
    return this.#caller;
  }

  /** The instance's own folder in the data that are in use. */
  get instanceDirectory(): string {
    return join(this.#dataDir, "partition-1");
  }

  get isMarked(): boolean {
    return existsSync(join(this.instanceDirectory, "restored.json"));
  }

  async startInstance(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const directory = join(this.#directory, `life-${++this.#lifeCount}`);
    mkdirSync(directory);
    const { child, socketPath } = await startLoneInstance(directory, "pipe", {
      DATA_DIR: this.#dataDir,
      DEFAULT_PROCESSOR_URL: this.wires.default.url,
      FALLBACK_PROCESSOR_URL: this.wires.fallback.url,
      REQUEST_TIMEOUT_MS: "500",
      ...env,
    });
    this.log = "";
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.log += text;
    });
    this.#child = child;
    this.#caller = new Caller({ socketPath });
  }

  async killInstance(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    this.#caller!.close();
    this.#caller = undefined;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  /** Copies the data while they are in use, as a backup does; returns where they are. */
  backUp(name: string): string {
    const copy = join(this.#directory, name);
    cpSync(this.#dataDir, copy, { recursive: true, filter: (path) => !path.endsWith(".sock") });
    return copy;
  }

  /** The next life begins with these data. */
  useData(path: string): void {
    this.#dataDir = path;
  }

  /** Charges that are at both processors. */
  get chargedTwice(): string[] {
    const atFallback = chargesOf(this.processors.fallback);
    return [...chargesOf(this.processors.default).keys()].filter((id) => atFallback.has(id));
  }

  async setWires(state: Parameters<Wire["set"]>[0]): Promise<void> {
    for (const role of ROLES) await this.wires[role].set(state);
  }

  async stop(): Promise<void> {
    await this.killInstance();
    for (const role of ROLES) {
      await this.wires[role].close();
      this.processors[role].close();
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
