import type { CpuPeriods } from "./cpu-periods.ts";
import type { Limit } from "./limit.ts";

/** CPU time of a group: everybody who is or was in it. */
export type CpuTime = {
  readonly totalMs: number;
  /**
   * How the total splits is sampled by the kernel, once a tick; the total itself is exact where it comes from a
   * cgroup.
   */
  readonly systemMs: number;
};

/** What a group has used since it was made. */
export type GroupUsage = CpuPeriods & {
  /** `undefined` where CPU time is not counted by group. */
  readonly cpu: CpuTime | undefined;
  /**
   * Memory at its highest, as the kernel charges it: caches and socket buffers too. `undefined` where it is not kept.
   */
  readonly memoryPeakBytes: number | undefined;
  /** Times the memory limit was hit. */
  readonly memoryFailCount: number;
  /** How long everything stood still in throttled periods. */
  readonly throttledMs: number;
};

/**
 * Groups of processes whose CPU time and memory are counted, and limited where that is wished for. Their names are
 * this run's own.
 */
export interface ProcessGroups {
  /** By what means, for the run's output. */
  readonly means: string;
  /** Without a limit the group only counts. */
  create(name: string, limit: Limit | undefined): void;
  /**
   * The command, to be run inside the group, which was made with this limit; its name may contain shell variables.
   * The process enters the group before it becomes the program: moved from outside, the program would by then have
   * memory and children that count for nobody.
   */
  commandInside(name: string, limit: Limit | undefined, command: readonly string[]): string[];
  /** `undefined` of a group that is not there. */
  usage(name: string): GroupUsage | undefined;
  /** The processes must be gone. */
  remove(): Promise<void>;
}
