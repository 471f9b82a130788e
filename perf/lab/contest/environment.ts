import { readFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import type { ProcessReport } from "../contenders/limited-topology.ts";
import { TICKS_PER_SECOND } from "../limits/process-usage.ts";

/** What the measurement was made on, and what that took. */
export type Environment = {
  /** One line: what was measured. */
  readonly description: string;
  readonly processes: readonly ProcessReport[];
  readonly unlimitedReason: string | undefined;
  /** Of this process, from the beginning of the load to its end. */
  readonly generatorCpuSeconds: number;
  /** Of the whole machine in the same time. `undefined` where the system does not tell. */
  readonly machineCpu: MachineCpu | undefined;
  readonly machine: Machine;
};

export type Machine = {
  readonly cpu: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly node: string;
};

/** All CPUs together. */
export type MachineCpu = {
  readonly busySeconds: number;
  /** Wanted, and given to another virtual machine. */
  readonly stolenSeconds: number;
};

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cpuCount: availableParallelism(),
    memoryBytes: totalmem(),
    node: process.version,
  };
}

/** CPU time of this process and of the whole machine between two moments. */
export class CpuMeter {
  #own = process.cpuUsage();
  #machine = readMachineCpu();

  begin(): void {
    this.#own = process.cpuUsage();
    this.#machine = readMachineCpu();
  }

  end(): Pick<Environment, "generatorCpuSeconds" | "machineCpu"> {
    const own = process.cpuUsage(this.#own);
    const [before, after] = [this.#machine, readMachineCpu()];
    const generatorCpuSeconds = (own.user + own.system) / 1e6;
    if (before === undefined || after === undefined) return { generatorCpuSeconds, machineCpu: undefined };
    const machineCpu = {
      busySeconds: after.busySeconds - before.busySeconds,
      stolenSeconds: after.stolenSeconds - before.stolenSeconds,
    };
    return { generatorCpuSeconds, machineCpu };
  }
}

function readMachineCpu(): MachineCpu | undefined {
  try {
    // user nice system idle iowait irq softirq steal
    const fields = /^cpu +(.*)$/m.exec(readFileSync("/proc/stat", "utf8"))![1]!.split(" ").map(Number);
    const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, stolen = 0] = fields;
    return {
      busySeconds: (user + nice + system + irq + softIrq) / TICKS_PER_SECOND,
      stolenSeconds: stolen / TICKS_PER_SECOND,
    };
  } catch {
    return undefined;
  }
}
