import { expect } from "chai";
import { InFlightLimit } from "../../../core/routing/in-flight-limit.ts";
import { forSeeds } from "../../support/random.ts";

/** One success for every request the limit allows, all of them used. */
function fullRound(limit: InFlightLimit): void {
  for (let i = limit.current; i > 0; i--) limit.succeeded(limit.current);
}

describe("in-flight limit", () => {
  it("begins at 16, or at its maximum if that is less", () => {
    expect([1000, 16, 15, 1].map((max) => new InFlightLimit(max).current)).to.deep.equal([16, 16, 15, 1]);
  });

  it("doubles every round in which it is used up, to its maximum and no further", () => {
    const limit = new InFlightLimit(100);
    const seen = [];
    for (let i = 0; i < 5; i++) {
      seen.push(limit.current);
      fullRound(limit);
    }
    expect(seen).to.deep.equal([16, 32, 64, 100, 100]);
  });

  it("does not grow while it is not what holds payments back", () => {
    const limit = new InFlightLimit(100);
    for (let i = 0; i < 1000; i++) limit.succeeded(15);
    expect(limit.current).to.equal(16);
    limit.succeeded(16);
    expect(limit.current).to.equal(17);
  });

  it("halves on a 429, and then grows by one a round", () => {
    const limit = new InFlightLimit(1000);
    fullRound(limit);
    fullRound(limit);
    expect(limit.current).to.equal(64);
    limit.overloaded(900, 1000);
    const seen = [];
    for (let i = 0; i < 3; i++) {
      seen.push(limit.current);
      // A round at a fractional limit can fall one short.
      for (let n = 0; n <= 32 + i; n++) limit.succeeded(limit.current);
    }
    expect(seen).to.deep.equal([32, 33, 34]);
  });

  it("halves once for all that was begun before it halved", () => {
    const limit = new InFlightLimit(16);
    for (let i = 0; i < 16; i++) limit.overloaded(900 + i, 1000 + i);
    expect(limit.current).to.equal(8);
    limit.overloaded(1001, 1100);
    expect(limit.current).to.equal(4);
  });

  it("halves once for a burst that is begun and refused within one millisecond", () => {
    const limit = new InFlightLimit(16);
    for (let i = 0; i < 16; i++) limit.overloaded(1000, 1000);
    expect(limit.current).to.equal(8);
  });

  it("never falls below one", () => {
    const limit = new InFlightLimit(16);
    for (let i = 0; i < 20; i++) limit.overloaded(1000 + i * 10, 1005 + i * 10);
    expect(limit.current).to.equal(1);
    limit.succeeded(1);
    expect(limit.current).to.equal(2);
  });

  it("begins anew after an outage, with slow start", () => {
    const limit = new InFlightLimit(200);
    fullRound(limit);
    limit.overloaded(0, 10);
    limit.restart();
    expect(limit.current).to.equal(16);
    fullRound(limit);
    expect(limit.current).to.equal(32);
    const small = new InFlightLimit(4);
    small.overloaded(0, 10);
    small.restart();
    expect(small.current).to.equal(4);
  });

  it("stays within its bounds, grows by at most one at a time, and falls to no less than half", () => {
    forSeeds(15, (random) => {
      const max = random.between(1, 300);
      const limit = new InFlightLimit(max);
      for (let step = 0, nowMs = 1000; step < 2000; step++, nowMs += random.below(5)) {
        const before = limit.current;
        if (random.chance(0.01)) {
          limit.overloaded(nowMs - random.below(300), nowMs);
          expect(limit.current).to.be.within(Math.floor(before / 2), before);
        } else {
          const inFlight = random.between(1, before);
          limit.succeeded(inFlight);
          expect(limit.current - before).to.be.within(0, inFlight < before ? 0 : 1);
        }
        expect(limit.current).to.be.within(1, max);
      }
    });
  });
});
