import type { PerRole } from "../../audit/totals.ts";
import type { LoadShape } from "../load/user-schedule.ts";
import { type Behaviour, CONTEST_STAGES, type Stage } from "./stages.ts";

/** One of the contest's load scripts, with what its evaluation looks at. */
export type ContestScript = {
  readonly name: "preview" | "final";
  readonly load: LoadShape;
  readonly stages: readonly Stage[];
  /** Of every payment. */
  readonly amountCents: number;
  /** Share of every amount. */
  readonly fees: PerRole<number>;
  /** An audit's window ends so long before now. */
  readonly auditToMs: number;
  /**
   * What counts as processed at the end: what the service's own summary says, or what the processors have charged by
   * then.
   */
  readonly countedBy: "service" | "processors";
};

const stage = (atS: number, ofDefault: Behaviour, fallback: Behaviour): Stage => {
  return { atMs: atS * 1000, default: ofDefault, fallback };
};
const works = (delayMs: number): Behaviour => ({ delayMs, failing: false });
const fails = (delayMs: number): Behaviour => ({ delayMs, failing: true });

export const CONTEST_SCRIPTS: Readonly<Record<ContestScript["name"], ContestScript>> = {
  preview: {
    name: "preview",
    load: { userCount: 550, durationMs: 60_000, sleepMs: 1000 },
    stages: CONTEST_STAGES,
    amountCents: 1990,
    fees: { default: 0.05, fallback: 0.15 },
    auditToMs: 1500,
    countedBy: "service",
  },
  final: {
    name: "final",
    load: { userCount: 603, durationMs: 300_000, sleepMs: 1000 },
    stages: [
      stage(0, works(0), works(0)),
      stage(30, works(1000), works(0)),
      stage(60, works(500), works(0)),
      stage(90, fails(2000), works(1000)),
      stage(120, fails(5000), works(5)),
      stage(150, works(0), fails(5)),
      stage(180, works(100), works(5)),
      stage(210, works(50), works(0)),
      stage(240, works(103), works(10)),
      stage(270, works(2000), works(0)),
    ],
    amountCents: 2005,
    fees: { default: 0.07, fallback: 0.1 },
    auditToMs: 2000,
    countedBy: "processors",
  },
};
