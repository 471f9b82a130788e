import { expectThat } from "./violation.ts";

const STALE = "whoever answers, nobody is told less than before";

/** A charge that a client was told of. */
export type ToldCharge = { processor: number; requestedAtMs: number; cents: number };

type ToldSummary = { fromMs: number; toMs: number; totals: readonly number[] };

/** What had been told when somebody asked. */
export type Asked = { generation: number; chargeCount: number; summaryCount: number };

/**
 * Charges and totals that clients were told of: whoever is asked afterwards, any instance, tells at least as much. What
 * a purge forgets counts no more.
 */
export class ToldWatch {
  #generation = 0;
  readonly #charges: ToldCharge[] = [];
  readonly #summaries: ToldSummary[] = [];

  /** Somebody asks now. */
  asked(): Asked {
    const { length: chargeCount } = this.#charges;
    return { generation: this.#generation, chargeCount, summaryCount: this.#summaries.length };
  }

  toldCharge(asked: Asked, charge: ToldCharge): void {
    if (asked.generation === this.#generation) this.#charges.push(charge);
  }

  /** `totals`: by processor, count and cents. */
  toldSummary(asked: Asked, fromMs: number, toMs: number, totals: readonly number[]): void {
    if (asked.generation !== this.#generation) return;
    const name = (before: readonly number[]) => () => `from=${fromMs} to=${toMs} told=[${totals}] before=[${before}]`;
    for (const before of this.#summaries.slice(0, asked.summaryCount)) {
      if (before.fromMs < fromMs || before.toMs > toMs) continue;
      const isAtLeast = before.totals.every((value, i) => value <= totals[i]!);
      expectThat(isAtLeast, STALE, name(before.totals));
    }
    const charged = totals.map(() => 0);
    for (const { processor, requestedAtMs, cents } of this.#charges.slice(0, asked.chargeCount)) {
      if (requestedAtMs < fromMs || requestedAtMs > toMs) continue;
      charged[processor * 2]!++;
      charged[processor * 2 + 1]! += cents;
    }
    const isWhole = charged.every((value, i) => value <= totals[i]!);
    expectThat(isWhole, STALE, name(charged));
    this.#summaries.push({ fromMs, toMs, totals });
  }

  /** A purge begins, or ends. */
  forget(): void {
    this.#generation++;
    this.#charges.length = 0;
    this.#summaries.length = 0;
  }
}
