import type { CpuTime } from "./process-groups.ts";

/** What one process with its children has taken, up to a moment. */
export type ProcessReading = {
  readonly name: string;
  readonly cpu: CpuTime;
  readonly throttledCount: number;
  readonly throttledMs: number;
};

/** What one process took between two readings. */
export type UsageBetween = {
  readonly name: string;
  readonly cpuMs: number;
  readonly systemMs: number;
  /** 1 is one CPU. */
  readonly cpuShare: number;
  /** Part of the time in which it stood still because its CPU limit was used up. */
  readonly throttledShare: number;
  readonly throttledCount: number;
};

/** Of a process that was started anew in between, from its start. */
export function usageBetween(
  before: readonly ProcessReading[],
  after: readonly ProcessReading[],
  elapsedMs: number,
): UsageBetween[] {
  return after.map(({ name, cpu, throttledCount, throttledMs }) => {
    const begin = before.find((reading) => reading.name === name);
    const isSame = begin !== undefined && begin.cpu.totalMs <= cpu.totalMs;
    const cpuMs = cpu.totalMs - (isSame ? begin.cpu.totalMs : 0);
    return {
      name,
      cpuMs,
      systemMs: cpu.systemMs - (isSame ? begin.cpu.systemMs : 0),
      cpuShare: cpuMs / elapsedMs,
      throttledShare: (throttledMs - (begin?.throttledMs ?? 0)) / elapsedMs,
      throttledCount: throttledCount - (begin?.throttledCount ?? 0),
    };
  });
}
