import { expect } from "chai";
import { scoreOf, type Tally } from "../../../perf/lab/contest/score.ts";
import { CONTEST_SCRIPTS } from "../../../perf/lab/contest/scripts.ts";
import { paymentCountAt } from "../../../perf/lab/load/user-schedule.ts";

const CONTEST_LOAD = CONTEST_SCRIPTS.preview.load;

const AMOUNT_CENTS = 1990;

function tally(defaultCount: number, fallbackCount: number, rest: Partial<Tally> = {}): Tally {
  const of = (count: number) => ({ count, cents: BigInt(count * AMOUNT_CENTS) });
  return {
    acceptedCount: defaultCount + fallbackCount,
    processed: { default: of(defaultCount), fallback: of(fallbackCount) },
    fees: { default: 0.05, fallback: 0.15 },
    p99Ms: 11,
    auditDifferenceCount: 0,
    ...rest,
  };
}

describe("contest score", () => {
  it("has its published ceiling at about 380 000: no fallback, no lag, a p99 of 1 ms", () => {
    const { score, lagCount } = scoreOf(tally(paymentCountAt(1, CONTEST_LOAD), 0, { p99Ms: 1 }));
    expect(score).to.be.within(378_500, 381_500);
    expect(lagCount).to.equal(0);
  });

  it("is what was processed less the fees of either processor", () => {
    const { processedAmount, feeAmount, profit, score } = scoreOf(tally(1000, 100));
    expect(processedAmount).to.be.closeTo(21_890, 1e-6);
    expect(feeAmount).to.be.closeTo(19_900 * 0.05 + 1990 * 0.15, 1e-6);
    expect(profit).to.be.closeTo(21_890 - 995 - 298.5, 1e-6);
    expect(score).to.equal(profit);
  });

  it("gives 2 % of the profit for every millisecond of p99 below 11", () => {
    expect(scoreOf(tally(1000, 0, { p99Ms: 1 })).bonusShare).to.be.closeTo(0.2, 1e-9);
    expect(scoreOf(tally(1000, 0, { p99Ms: 10.5 })).bonusShare).to.be.closeTo(0.01, 1e-9);
    expect(scoreOf(tally(1000, 0, { p99Ms: 30 })).bonusShare).to.equal(0);
  });

  it("rounds p99 and bonus to two decimals, as the script does: the final's winner by its published figures", () => {
    expect(scoreOf(tally(1000, 0, { p99Ms: 2.554 })).bonusShare).to.equal(0.17);
    // Halves as they are written, not as the nearest double has them.
    expect(scoreOf(tally(1000, 0, { p99Ms: 1.255 })).bonusShare).to.equal(0.19);
    expect(scoreOf(tally(1000, 0, { p99Ms: 3.745 })).bonusShare).to.equal(0.15);
    const of = (count: number) => ({ count, cents: BigInt(count * 2005) });
    const processed = { default: of(52_945), fallback: of(37_646) };
    const winner = scoreOf({
      ...tally(52_945, 37_646),
      processed,
      fees: { default: 0.07, fallback: 0.1 },
      p99Ms: 2.55,
    });
    expect(winner.score).to.be.closeTo(1_949_876, 1);
  });

  it("takes 35 % of the profit, not of the bonus, if any audit differed", () => {
    const { profit, score, fine } = scoreOf(tally(1000, 0, { p99Ms: 1, auditDifferenceCount: 1 }));
    expect(fine).to.be.closeTo(profit * 0.35, 1e-6);
    expect(score).to.be.closeTo(profit * 0.85, 1e-6);
  });

  it("counts what was accepted and not processed for nothing, and tells how much that is", () => {
    const late = scoreOf(tally(900, 0, { acceptedCount: 1000 }));
    expect(late.lagCount).to.equal(100);
    expect(late.score).to.be.closeTo(900 * 19.9 * 0.95, 1e-6);
  });

  it("disqualifies whoever processes more than was accepted", () => {
    const fraud = scoreOf(tally(1001, 0, { acceptedCount: 1000 }));
    expect(fraud).to.include({ isDisqualified: true, score: 0, lagCount: -1 });
  });
});
