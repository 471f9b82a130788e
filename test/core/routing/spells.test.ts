import { expect } from "chai";
import { Spells } from "../../../core/routing/spells.ts";
import { forSeeds } from "../../support/random.ts";

describe("spells", () => {
  it("are expected to last as long as they were said to, before anything is seen", () => {
    expect(new Spells(20_000, 1).endsPerMs(0)).to.equal(1 / 20_000);
    expect(new Spells(20_000, 5).endsPerMs(0)).to.equal(1 / 20_000);
  });

  it("are expected to last the longer the longer this one lasts", () => {
    const spells = new Spells(10_000, 1);
    spells.begin(0);
    expect([0, 10_000, 30_000].map((nowMs) => spells.endsPerMs(nowMs))).to.deep.equal([1e-4, 5e-5, 2.5e-5]);
  });

  it("begin once and end once", () => {
    const spells = new Spells(10_000, 1);
    spells.end(5);
    spells.begin(10);
    spells.begin(5000);
    expect(spells.isUnderWay).to.equal(true);
    spells.end(10_010);
    spells.end(20_000);
    expect(spells.isUnderWay).to.equal(false);
    expect(spells.endsPerMs(99_999)).to.equal(2 / 20_000);
  });

  it("are learned: many of one length make that length expected", () => {
    forSeeds(10, (random) => {
      const meanMs = random.between(100, 100_000);
      const spells = new Spells(20_000, 1);
      for (let i = 0, nowMs = 0; i < 2000; i++, nowMs += 1000) {
        spells.begin(nowMs);
        nowMs += -Math.log(1 - random.below(1e6) / 1e6) * meanMs;
        spells.end(nowMs);
      }
      expect(1 / spells.endsPerMs(0)).to.be.within(meanMs * 0.85, meanMs * 1.15 + 20);
    });
  });
});
