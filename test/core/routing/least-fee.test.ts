import { expect } from "chai";
import { HealthSnapshot } from "../../../core/routing/health-snapshot.ts";
import { LeastFee } from "../../../core/routing/least-fee.ts";
import { NOWHERE } from "../../../core/routing/router.ts";
import { Ways } from "../../../core/routing/ways.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import * as Reason from "../../../core/values/reason.ts";
import { NOON_MS } from "../../support/payments.ts";

type Setting = { settleWithinMs?: number; answerWithinMs?: number; maxInFlight?: number; waitsForSlow?: boolean };

/** Processors with these fees, in millionths. Times are in milliseconds after noon. */
class Market {
  readonly health: HealthSnapshot;
  readonly ways: Ways;
  readonly router: LeastFee;
  #sequence = 0;

  constructor(
    feesPpm: readonly number[],
    { settleWithinMs = 60_000, answerWithinMs = 1000, maxInFlight = 100, waitsForSlow = false }: Setting = {},
  ) {
    this.health = new HealthSnapshot(feesPpm.length);
    this.ways = Ways.open(
      this.health,
      feesPpm.map((feePpm, i) => ({ name: `p${i}`, feePpm, maxInFlight })),
      1000,
    );
    this.router = new LeastFee(this.ways, { settleWithinMs, answerWithinMs, waitsForSlow });
  }

  fail(processor: number, atMs: number): this {
    return this.attempt(processor, atMs, atMs, Outcome.FAILING);
  }

  attempt(processor: number, fromMs: number, toMs: number, outcome: number = Outcome.CHARGED): this {
    const gate = this.ways.gates[processor]!;
    const probe = gate.began(true, NOON_MS + fromMs);
    gate.postEnded(outcome, this.#sequence++, NOON_MS + fromMs, NOON_MS + toMs, probe);
    return this;
  }

  /** As many requests are out as may be. */
  fill(processor: number, atMs: number): this {
    const gate = this.ways.gates[processor]!;
    while (gate.inFlightCount < gate.limit) gate.began(true, NOON_MS + atMs);
    return this;
  }

  poll(processor: number, minResponseMs: number, atMs: number): this {
    this.health.polled(processor, false, minResponseMs, NOON_MS + atMs);
    return this;
  }

  /** Where a payment of `ageMs` goes, and why; "waits" if nowhere. */
  choose(ageMs: number, atMs: number, waitingCount = 1): number | string {
    return this.#shown(this.router.choose(ageMs, waitingCount, NOON_MS + atMs));
  }

  probe(ageMs: number, atMs: number, isTried = false): number | string {
    return this.#shown(this.router.probe(ageMs, isTried, NOON_MS + atMs));
  }

  #shown(processor: number): number | string {
    return processor === NOWHERE ? "waits" : `${processor} ${Reason.NAMES[this.router.reason]}`;
  }
}

const FIVE_AND_FIFTEEN = [50_000, 150_000];

/** When a payment that was accepted at noon goes to the dearer processor. */
function leavesAtMs(market: Market): number {
  for (let atMs = 50; atMs < 60_000; atMs += 50) if (market.choose(atMs, atMs) !== "waits") return atMs;
  return 60_000;
}

describe("least fee", () => {
  it("sends to the cheapest, wherever it stands in the configuration", () => {
    expect(new Market(FIVE_AND_FIFTEEN).choose(0, 0)).to.equal("0 cheapest");
    expect(new Market([90_000, 20_000, 30_000]).choose(0, 0)).to.equal("1 cheapest");
    expect(new Market([70_000]).choose(1e9, 0)).to.equal("0 cheapest");
    const sixteen = Array.from({ length: 16 }, (_, processor) => 10_000 * (16 - processor));
    expect(new Market(sixteen).choose(0, 0)).to.equal("15 cheapest");
    expect(new Market([50_000, 50_000]).choose(0, 0)).to.equal("0 cheapest");
  });

  it("waits for a cheaper one that is down until the last moment at which the dearer can still make it", () => {
    const market = new Market(FIVE_AND_FIFTEEN).fail(0, 0);
    expect(market.choose(0, 10)).to.equal("waits");
    expect(leavesAtMs(market)).to.be.within(59_000, 59_800);
    expect(market.choose(59_900, 59_900)).to.equal("1 cheaper down");
    expect(market.choose(60_000, 60_000)).to.equal("1 overdue");
    expect(leavesAtMs(new Market(FIVE_AND_FIFTEEN, { settleWithinMs: 2000 }).fail(0, 0))).to.be.within(1000, 1800);
  });

  it("leaves the earlier, the less there is to be saved", () => {
    const leavesAt = [1000, 10_000, 100_000].map((savedPpm) =>
      leavesAtMs(new Market([50_000, 50_000 + savedPpm]).fail(0, 0)),
    );
    expect(leavesAt[0]).to.be.below(leavesAt[1]! - 1000);
    expect(leavesAt[1]).to.be.below(leavesAt[2]! - 1000);
  });

  it("does not wait where the time to settle is short, or little can be saved", () => {
    expect(new Market(FIVE_AND_FIFTEEN, { settleWithinMs: 200 }).fail(0, 0).choose(0, 10)).to.equal("1 cheaper down");
    expect(new Market([50_000, 50_001]).fail(0, 0).choose(30_000, 10)).to.equal("1 cheaper down");
    expect(new Market([50_000, 50_000]).fail(0, 0).choose(0, 10)).to.equal("1 cheaper down");
    expect(new Market(FIVE_AND_FIFTEEN, { settleWithinMs: 0 }).fail(0, 0).choose(0, 0)).to.equal("1 overdue");
  });

  it("waits longer where a third processor would take over from the second", () => {
    const two = leavesAtMs(new Market([50_000, 55_000]).fail(0, 0));
    const three = leavesAtMs(new Market([50_000, 55_000, 56_000]).fail(0, 0));
    expect(three).to.be.above(two + 1000);
  });

  it("expects one that has been down for long to stay down, and one that recovers soon to be back soon", () => {
    expect(new Market(FIVE_AND_FIFTEEN).fail(0, -600_000).choose(52_000, 0)).to.equal("1 cheaper down");
    const short = new Market(FIVE_AND_FIFTEEN);
    for (let i = 0; i < 10; i++) {
      short.fail(0, i * 10_000).attempt(0, i * 10_000 + 1000, i * 10_000 + 1000);
      short.choose(0, i * 10_000 + 1001);
    }
    expect(short.fail(0, 100_000).choose(52_000, 100_010)).to.equal("waits");
  });

  it("takes a payment for late that not even the fastest processor can answer for in time", () => {
    const market = new Market(FIVE_AND_FIFTEEN).poll(0, 500, 0).poll(1, 300, 0);
    expect([59_699, 59_700].map((ageMs) => market.router.isLate(ageMs, NOON_MS + 1))).to.deep.equal([false, true]);
    market.fail(1, 2);
    expect(market.router.isLate(59_500, NOON_MS + 3)).to.equal(true);
    market.fail(0, 4);
    expect([59_999, 60_000].map((ageMs) => market.router.isLate(ageMs, NOON_MS + 5))).to.deep.equal([false, true]);
  });

  it("takes no payment for late while the only processor that works hangs: it may be back at once", () => {
    const market = new Market(FIVE_AND_FIFTEEN, { settleWithinMs: 2000 }).fail(1, 0).fill(0, 10);
    expect([1999, 2000].map((ageMs) => market.router.isLate(ageMs, NOON_MS + 1500))).to.deep.equal([false, true]);
  });

  it("does not use one that answers too late while a faster one works", () => {
    const market = new Market(FIVE_AND_FIFTEEN).poll(0, 2000, 0);
    expect(market.choose(0, 1)).to.equal("1 cheaper slow");
    expect(new Market(FIVE_AND_FIFTEEN).poll(0, 1000, 0).choose(0, 1)).to.equal("0 cheapest");
    expect(new Market(FIVE_AND_FIFTEEN).poll(0, 2000, 0).poll(1, 3000, 0).choose(0, 1)).to.equal("0 cheapest");
    expect(market.fail(1, 2).choose(0, 3)).to.equal("0 cheapest");
  });

  it("waits for a cheaper one that is slow only if its owner wants that", () => {
    const slow = { waitsForSlow: true };
    expect(new Market(FIVE_AND_FIFTEEN, slow).poll(0, 2000, 0).choose(0, 1)).to.equal("waits");
    expect(new Market(FIVE_AND_FIFTEEN, slow).poll(0, 2000, 0).choose(59_900, 1)).to.equal("1 cheaper slow");
  });

  it("sees from unanswered attempts that a processor has become slow, before any poll", () => {
    const market = new Market(FIVE_AND_FIFTEEN).attempt(0, 0, 5);
    market.ways.gates[0]!.began(true, NOON_MS + 10);
    expect(market.choose(0, 500)).to.equal("0 cheapest");
    expect(market.choose(0, 520)).to.equal("1 cheaper slow");
  });

  it("uses one again that was slow once it is clearly fast", () => {
    const market = new Market(FIVE_AND_FIFTEEN).poll(0, 1100, 0);
    expect(market.choose(0, 1)).to.equal("1 cheaper slow");
    expect(market.poll(0, 900, 5000).choose(0, 5001)).to.equal("1 cheaper slow");
    expect(market.poll(0, 700, 10_000).choose(0, 10_001)).to.equal("0 cheapest");
  });

  it("waits for one that is full while it can charge all that waits in time, and spills what it cannot", () => {
    const market = new Market(FIVE_AND_FIFTEEN, { maxInFlight: 10 }).poll(0, 100, 0).fill(0, 0);
    expect(market.choose(0, 1, 1000)).to.equal("waits");
    expect(market.choose(0, 1, 7000)).to.equal("1 cheaper full");
    expect(market.choose(59_900, 1, 1)).to.equal("1 cheaper full");
  });

  it("takes a processor without room for another payment for full", () => {
    const market = new Market(FIVE_AND_FIFTEEN);
    for (let slot = 0; slot < 1000; slot++) market.ways.flights.open(slot, 0, NOON_MS);
    expect([market.choose(0, 1), market.choose(59_900, 1)]).to.deep.equal(["waits", "1 cheaper full"]);
  });

  it("leaves early enough for the dearer one to charge all that waits", () => {
    const market = new Market(FIVE_AND_FIFTEEN, { maxInFlight: 10 }).fail(0, 0).poll(1, 100, 0);
    expect(market.choose(1000, 1000, 100)).to.equal("waits");
    expect(market.choose(1000, 1000, 6500)).to.equal("1 cheaper down");
  });

  it("waits when nobody can take the payment, and past its time takes a slow one rather than none", () => {
    const market = new Market(FIVE_AND_FIFTEEN, { maxInFlight: 5 }).poll(0, 2000, 0).fill(1, 0);
    expect(market.choose(0, 1)).to.equal("waits");
    expect(market.choose(60_000, 1)).to.equal("0 overdue");
    expect(new Market(FIVE_AND_FIFTEEN).fail(0, 0).fail(1, 0).choose(1e9, 1)).to.equal("waits");
  });

  it("tries a cheaper one that is down with a payment that could still go elsewhere in time", () => {
    const market = new Market(FIVE_AND_FIFTEEN).fail(0, 0);
    expect([market.probe(0, 99), market.probe(0, 100)]).to.deep.equal(["waits", "0 probe"]);
    expect(market.probe(59_900, 100)).to.equal("waits");
    expect(market.probe(59_900, 5000)).to.equal("0 probe");
    expect(market.poll(0, 50, 200).probe(59_900, 200)).to.equal("0 probe");
  });

  it("tries with one that was tried before only if that waits anyway", () => {
    const market = new Market([50_000, 50_100]).fail(0, 0);
    expect([market.probe(0, 100, true), market.choose(0, 100)]).to.deep.equal(["0 probe", "waits"]);
    expect([market.probe(50_000, 100, true), market.choose(50_000, 100)]).to.deep.equal(["waits", "1 cheaper down"]);
    expect(market.probe(50_000, 100, false)).to.equal("0 probe");
  });

  it("tries no dearer one while a cheaper works, and any while none does", () => {
    expect(new Market(FIVE_AND_FIFTEEN).fail(1, 0).probe(0, 1000)).to.equal("waits");
    expect(new Market(FIVE_AND_FIFTEEN).fail(0, 0).fail(1, 0).probe(1e9, 100)).to.equal("0 probe");
    const market = new Market(FIVE_AND_FIFTEEN).fail(0, 0).fail(1, 0);
    market.ways.gates[0]!.began(true, NOON_MS + 100);
    expect(market.probe(0, 100)).to.equal("1 probe");
  });

  it("risks no payment as a probe while a payment in doubt there can be the probe", () => {
    const market = new Market(FIVE_AND_FIFTEEN).fail(0, 0);
    const doubt = market.ways.flights.open(0, 0, NOON_MS);
    market.ways.flights.doubt(doubt, NOON_MS + 5000);
    expect([market.probe(0, 100), market.choose(0, 100)]).to.deep.equal(["waits", "waits"]);
    market.ways.flights.close(doubt);
    expect(market.probe(0, 100)).to.equal("0 probe");
  });
});
