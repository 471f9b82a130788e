import { expect } from "chai";
import { asIfSeen, Spells } from "../../../core/routing/spells.ts";
import { forSeeds } from "../../support/random.ts";

describe("spells", () => {
  it("are expected to last as long as they were said to, before anything is seen", () => {
    expect(new Spells(asIfSeen(1, 20_000)).endsPerMs(0)).to.equal(1 / 20_000);
    expect(new Spells(asIfSeen(5, 20_000)).endsPerMs(0)).to.equal(1 / 20_000);
  });

  it("are expected to last the longer the longer this one lasts", () => {
    const spells = new Spells(asIfSeen(1, 10_000));
    spells.begin(0);
    expect([0, 10_000, 30_000].map((nowMs) => spells.endsPerMs(nowMs))).to.deep.equal([1e-4, 5e-5, 2.5e-5]);
  });

  it("begin once and end once", () => {
    const spells = new Spells(asIfSeen(1, 10_000));
    spells.end(5);
    spells.begin(10);
    spells.begin(5000);
    expect(spells.isUnderWay).to.equal(true);
    spells.end(10_010);
    spells.end(20_000);
    expect(spells.isUnderWay).to.equal(false);
    expect(spells.endsPerMs(99_999)).to.equal(2 / 20_000);
  });

  it("of things that are alike are learned from each other, though each counts its own time", () => {
    const seen = { ms: 10_000, endCount: 0 };
    const [one, other] = [new Spells(seen), new Spells(seen)];
    expect(one.endsPerMs(0)).to.equal(0);
    one.begin(0);
    one.end(10_000);
    other.begin(20_000);
    expect([one, other].map((spells) => spells.endsPerMs(40_000))).to.deep.equal([1 / 20_000, 1 / 40_000]);
  });

  it("are learned: many of one length make that length expected", () => {
    forSeeds(10, (random) => {
      const meanMs = random.between(100, 100_000);
      const spells = new Spells(asIfSeen(1, 20_000));
      for (let i = 0, nowMs = 0; i < 2000; i++, nowMs += 1000) {
        spells.begin(nowMs);
        nowMs += -Math.log(1 - random.below(1e6) / 1e6) * meanMs;
        spells.end(nowMs);
      }
      expect(1 / spells.endsPerMs(0)).to.be.within(meanMs * 0.85, meanMs * 1.15 + 20);
    });
  });
});
