import type { ProcessReport } from "../contenders/deployment.ts";
import type { MeteredCpu } from "../limits/cpu-meter.ts";
import type { Machine } from "../report/machine.ts";

/** What the measurement was made on, and what that took, from the beginning of the load to its end. */
export type Environment = MeteredCpu & {
  /** One line: what was measured. */
  readonly description: string;
  readonly processes: readonly ProcessReport[];
  /** By what means there are limits, or why there are none. */
  readonly limitedBy: string | undefined;
  readonly unlimitedReason: string | undefined;
  /** What this way of running the service could not do or show. */
  readonly remarks: readonly string[];
  readonly machine: Machine;
};
