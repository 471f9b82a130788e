import { expect } from "chai";
import { SequenceMap } from "../../../core/salvage/sequence-map.ts";
import { forSeeds } from "../../support/random.ts";

describe("sequence map", () => {
  it("closes up what is kept, and knows what is lost", () => {
    const map = new SequenceMap();
    map.startAt(10);
    map.keep(10);
    map.skipTo(13);
    map.keep(11);
    map.keep(12);
    expect([10, 11, 12, 13, 14, 15].map((sequence) => map.ours(sequence))).to.deep.equal([
      10,
      undefined,
      undefined,
      11,
      12,
      undefined,
    ]);
    expect([9, 10, 11, 12, 13, 14, 15, 16].map((sequence) => map.boundary(sequence))).to.deep.equal([
      10, 10, 11, 11, 11, 12, 13, 13,
    ]);
    expect(map.lost).to.deep.equal([{ fromSequence: 11, toSequence: 13 }]);
    map.forgetBefore(12);
    expect(map.lost).to.deep.equal([{ fromSequence: 12, toSequence: 13 }]);
    expect([map.first, map.next]).to.deep.equal([10, 15]);
  });

  it("finds every sequence again, whichever are kept", () => {
    forSeeds(50, (random) => {
      const map = new SequenceMap();
      const kept: number[] = [];
      for (let sequence = 0; sequence < 100; sequence++) {
        if (random.chance(0.3)) {
          map.skipTo(sequence + 1);
        } else {
          map.keep(kept.length);
          kept.push(sequence);
        }
      }
      const lostCount = map.lost.reduce((sum, { fromSequence, toSequence }) => sum + toSequence - fromSequence, 0);
      expect(lostCount + kept.length).to.equal(100);
      for (let sequence = 0; sequence < 100; sequence++) {
        const ours = kept.indexOf(sequence);
        expect(map.ours(sequence)).to.equal(ours < 0 ? undefined : ours);
        expect(map.boundary(sequence)).to.equal(kept.filter((other) => other < sequence).length);
        if (ours >= 0) expect(map.original(ours)).to.equal(sequence);
      }
    });
  });
});
