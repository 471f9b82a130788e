import type { AuditResult } from "../../audit/audit.ts";
import type { PerRole } from "../../audit/totals.ts";
import type { LoadShape } from "../load/user-schedule.ts";
import type { Round } from "./consistency.ts";
import type { Times } from "./recorder.ts";
import type { Sample } from "./sampler.ts";
import type { Score } from "./score.ts";
import type { ContestScript } from "./scripts.ts";
import type { Stage } from "./stages.ts";

export type ContestOptions = {
  readonly script: ContestScript["name"];
  readonly amountCents: number;
  /** See ContestScript. */
  readonly auditToMs: number;
  readonly countedBy: ContestScript["countedBy"];
  readonly load: LoadShape;
  readonly stages: readonly Stage[];
  readonly timeoutMs: number;
  readonly auditIntervalMs: number;
  /** After the load, wait at most so long for what is still queued. The contest does not wait. */
  readonly drainMs: number;
  /** Share of every amount; else what the processors say. */
  readonly fees: PerRole<number> | undefined;
};

export type Measurement = Times & {
  readonly startedAt: string;
  readonly options: ContestOptions;
  /** The generator was so late that the latencies say more about it than about the service. */
  readonly isGeneratorLate: boolean;
  readonly acceptedCount: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly audits: readonly Round[];
  readonly auditDifferenceCount: number;
  /** The last summaries, which the score is taken from. */
  readonly final: Round;
  readonly drainedMs: number;
  readonly fees: PerRole<number>;
  readonly score: Score;
  /** Not part of the contest: everything that is settled, compared afterwards. A text: why there is none. */
  readonly afterwards: AuditResult | string;
  readonly problems: readonly string[];
  /** About one a second. */
  readonly samples: readonly Sample[];
};
