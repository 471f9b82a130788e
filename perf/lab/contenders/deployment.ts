import type { Target } from "../../audit/parties.ts";
import type { ChildName } from "../../launch/plans.ts";
import type { CpuPeriods } from "../limits/cpu-periods.ts";
import type { Limit } from "../limits/limit.ts";
import type { GroupUsage } from "../limits/process-groups.ts";
import type { ProcessReading } from "../limits/usage-between.ts";

/** What one process, with its children, took from the beginning of the load to its end. */
export type ProcessReport = {
  readonly name: ChildName;
  readonly cpuSeconds: number;
  readonly rssPeakBytes: number;
  readonly limit: Limit | undefined;
  /** From its start on. */
  readonly limitUsage: Omit<GroupUsage, "cpu"> | undefined;
  /** It is not the process that was there at the beginning. */
  readonly wasRestarted: boolean;
};

/** A service and its processors that the lab has started, by processes or by containers. */
export interface Deployment {
  /** By what means there are limits: `cgroup v1` …; `undefined`: there are none. */
  readonly limitedBy: string | undefined;
  /** Why there are no limits. */
  readonly unlimitedReason: string | undefined;
  /** What this way of running cannot do or show, for the result's remarks. */
  readonly remarks: readonly string[];
  readonly target: Target;
  /** To be called as the load begins: what was before is not counted. */
  markBegin(): void;
  /** Of every process there is just now. */
  readings(): ProcessReading[];
  /** Quick: only those who were there as the load began. */
  cpuSeconds(): Record<string, number | undefined>;
  /** Quick as well: of those that have limits. */
  cpuPeriods(): Record<string, CpuPeriods>;
  processReports(): ProcessReport[];
  stop(): Promise<void>;
}
