import type { Parties } from "../../audit/parties.ts";
import { forEachNamed, type PerRole, perRole } from "../../audit/totals.ts";
import type { CpuPeriods } from "../limits/cpu-periods.ts";

/** Totals since the beginning of the load, as of one moment. */
export type Sample = {
  /** From the beginning of the load. */
  readonly atMs: number;
  readonly acceptedCount: number;
  /** Charged, as the processors say. `undefined`: one of them did not say. */
  readonly chargedCount: PerRole<number> | undefined;
  /** CPU time of each process so far. `undefined`: it was not there. */
  readonly cpuSeconds: Readonly<Record<string, number | undefined>>;
  /** Of each process that has a limit, from its start on. */
  readonly cpuPeriods: Readonly<Record<string, CpuPeriods>>;
};

type Sources = {
  readonly processors: Parties["processors"];
  /** From the beginning of the load. */
  nowMs(): number;
  acceptedCount(): number;
  cpuSeconds(): Readonly<Record<string, number | undefined>>;
  cpuPeriods(): Readonly<Record<string, CpuPeriods>>;
};

/**
 * What the load leads to, moment by moment: from the processors' own summaries, so that it works for any entry and
 * costs the entry nothing. The calls are on connections of their own and in no percentile; they are neither payments
 * nor health calls, so the processors' limits for those do not notice them.
 */
export class Sampler {
  readonly samples: Sample[] = [];
  readonly #sources: Sources;
  #isAsking = false;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  /** Leaves the moment out when the last one's answers are still to come. */
  readonly take = async (): Promise<void> => {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const { nowMs, acceptedCount, cpuSeconds, cpuPeriods } = this.#sources;
    const chargedCount = await this.#charged();
    const cpu = { cpuSeconds: cpuSeconds(), cpuPeriods: cpuPeriods() };
    this.samples.push({ atMs: nowMs(), acceptedCount: acceptedCount(), chargedCount, ...cpu });
    this.#isAsking = false;
  };

  async #charged(): Promise<PerRole<number> | undefined> {
    const { processors } = this.#sources;
    try {
      return perRole(await forEachNamed(processors, async (processor) => (await processor.totals("")).count));
    } catch {
      // A gap in a chart; whether the processors answer is the audits' business.
      return undefined;
    }
  }
}
