import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../launch/ports.ts";
import type { Child } from "../contenders/child.ts";
import type { ClosedLoopOptions } from "../contenders/closed-loop-options.ts";
import { startLoneInstance } from "../contenders/lone-instance.ts";
import { closedLoopRound } from "../load/load-round.ts";
import { paymentBody } from "../load/payment-request.ts";

/** CPU time of the instance for each accepted payment, user and system. */
export type CpuUs = {
  readonly plainUs: number;
  readonly jsonUs: number;
};

/** An instance that is paid by plain bodies and by others in turn. */
export class LoadedInstance {
  readonly #instance: Child;
  readonly #url: URL;
  readonly #dataDir: string;
  readonly #options: ClosedLoopOptions;

  private constructor(instance: Child, url: URL, dataDir: string, options: ClosedLoopOptions) {
    this.#instance = instance;
    this.#url = url;
    this.#dataDir = dataDir;
    this.#options = options;
  }

  static async start(options: ClosedLoopOptions): Promise<LoadedInstance> {
    const [port] = await freePorts(1);
    const dataDir = mkdtempSync(join(tmpdir(), "rinha-body-"));
    try {
      const instance = await startLoneInstance(port!, dataDir, {});
      return new LoadedInstance(instance, new URL(`http://127.0.0.1:${port}`), dataDir, options);
    } catch (error) {
      rmSync(dataDir, { recursive: true, force: true });
      throw error;
    }
  }

  async measure(isJsonFirst: boolean): Promise<CpuUs> {
    if (isJsonFirst) {
      const jsonUs = await this.#cpuUs(bodyForJson);
      return { jsonUs, plainUs: await this.#cpuUs(paymentBody) };
    }
    const plainUs = await this.#cpuUs(paymentBody);
    return { plainUs, jsonUs: await this.#cpuUs(bodyForJson) };
  }

  async stop(): Promise<void> {
    await this.#instance.stop();
    rmSync(this.#dataDir, { recursive: true, force: true });
  }

  async #cpuUs(nextBody: () => string): Promise<number> {
    const { connections, durationMs } = this.#options;
    const beforeMs = this.#instance.cpuMs();
    const round = await closedLoopRound(this.#url, connections, durationMs, nextBody);
    if (round.failedCount > 0) throw new Error(`every payment must be accepted: failed=${round.failedCount}`);
    return ((this.#instance.cpuMs() - beforeMs) * 1000) / round.acceptedCount;
  }
}

/** One more member: the same payment, but not plain any more. */
function bodyForJson(): string {
  return `{"":0,${paymentBody().slice(1)}`;
}
