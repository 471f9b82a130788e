import { readFileSync } from "node:fs";
import { TICKS_PER_SECOND } from "./process-usage.ts";

export type MeteredCpu = {
  /** Of this process. */
  readonly generatorCpuSeconds: number;
  /** Of the whole machine in the same time. `undefined` where the system does not tell. */
  readonly machineCpu: MachineCpu | undefined;
};

/** All CPUs together. */
export type MachineCpu = {
  readonly busySeconds: number;
  /** Wanted, and given to another virtual machine. */
  readonly stolenSeconds: number;
};

/** CPU time of this process and of the whole machine between two moments. */
export class CpuMeter {
  #own = process.cpuUsage();
  #machine = readMachineCpu();

  begin(): void {
    this.#own = process.cpuUsage();
    this.#machine = readMachineCpu();
  }

  end(): MeteredCpu {
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
