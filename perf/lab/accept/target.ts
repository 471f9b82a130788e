import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { INSTANCE_MAIN, PROCESSOR_MAIN } from "../../launch/plans.ts";
import { freePorts } from "../../launch/ports.ts";
import { Child } from "../contenders/child.ts";
import { startLoneInstance } from "../contenders/lone-instance.ts";
import { FLOOR_MAIN, SENDER_MAIN } from "../floor/programs.ts";

export const TARGET_NAMES = ["floor", "fair floor", "none", "write", "fsync"] as const;
export type TargetName = (typeof TARGET_NAMES)[number];

/**
 * A server under load: an instance with one of the durability levels, or a floor. Beside the fair floor a process of
 * its own sends as many payments to a processor as the floor accepts.
 */
export class Target {
  readonly name: TargetName;
  readonly url: URL;
  readonly #server: Child;
  readonly #beside: readonly Child[];
  readonly #dataDir: string;

  private constructor(name: TargetName, url: URL, children: readonly [Child, ...Child[]], dataDir: string) {
    this.name = name;
    this.url = url;
    [this.#server, ...this.#beside] = children;
    this.#dataDir = dataDir;
  }

  static async start(name: TargetName): Promise<Target> {
    const [port, processorPort] = await freePorts(2);
    const dataDir = mkdtempSync(join(tmpdir(), "rinha-accept-"));
    const url = new URL(`http://127.0.0.1:${port}`);
    const children: Child[] = [];
    try {
      const server = await startServer(name, port!, dataDir);
      children.push(server);
      if (name === "fair floor") {
        children.push(await Child.listening([PROCESSOR_MAIN, "--port", `${processorPort}`], processorPort!));
        children.push(Child.spawn([SENDER_MAIN, `http://127.0.0.1:${processorPort}`, url.origin]));
      }
      return new Target(name, url, [server, ...children.slice(1)], dataDir);
    } catch (error) {
      await Promise.all(children.map((child) => child.stop()));
      rmSync(dataDir, { recursive: true, force: true });
      throw error;
    }
  }

  /** CPU time used so far by the server alone, user and system. */
  cpuMs(): number {
    return this.#server.cpuMs();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#server, ...this.#beside].map((child) => child.stop()));
    rmSync(this.#dataDir, { recursive: true, force: true });
  }
}

function startServer(name: TargetName, port: number, dataDir: string): Promise<Child> {
  const isFloor = name === "floor" || name === "fair floor";
  const settings = { DURABILITY: isFloor ? "none" : name };
  return startLoneInstance(port, dataDir, settings, isFloor ? FLOOR_MAIN : INSTANCE_MAIN);
}
