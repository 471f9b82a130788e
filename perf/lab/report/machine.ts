import { availableParallelism, cpus, totalmem } from "node:os";

/** What a result was measured on. */
export type Machine = {
  readonly cpu: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly node: string;
};

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cpuCount: availableParallelism(),
    memoryBytes: totalmem(),
    node: process.version,
  };
}
