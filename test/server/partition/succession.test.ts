import { expect } from "chai";
import { heirOf, isExpected, rankOf, type Survey, sharers } from "../../../server/partition/succession.ts";
import { FakeNeighbours } from "./fake-neighbours.ts";

describe("succession", () => {
  let neighbours: FakeNeighbours;
  let wasUp: Set<number>;

  beforeEach(() => {
    neighbours = new FakeNeighbours([0, 2, 3]);
    wasUp = new Set();
  });

  /** What instance 1 of four knows. */
  const survey = (upForMs = 60_000): Survey => ({ self: 1, neighbours, wasUp, upForMs });

  /** In a circle that begins with this one. */
  const from = (preferred: number): number[] => [0, 1, 2, 3].map((i) => (preferred + i) % 4);

  it("goes by a partition's order, over those that are up", () => {
    const ranks = (): number[] => [0, 1, 2, 3].map((preferred) => rankOf(survey(), from(preferred)));
    expect(ranks()).to.deep.equal([0, 0, 0, 0]);
    for (const instance of [0, 2, 3]) neighbours.set(instance, "up");
    expect(ranks()).to.deep.equal([1, 0, 3, 2]);
    neighbours.set(3, "down");
    expect(ranks()).to.deep.equal([1, 0, 2, 1]);
    neighbours.set(0, "silent");
    expect(ranks()).to.deep.equal([0, 0, 1, 0]);
  });

  it("passes over those that are about to end", () => {
    neighbours.set(0, "up", { isLeaving: true });
    expect(rankOf(survey(), from(0))).to.equal(0);
    neighbours.set(2, "up");
    expect(heirOf(survey(), from(0))).to.equal(2);
  });

  it("has one that is in no order claim after everybody else", () => {
    neighbours.set(2, "up");
    expect(rankOf(survey(), [0, 2, 3])).to.equal(1);
  });

  it("shares among those that stay, and for a while those that may yet come", () => {
    neighbours.set(0, "up");
    neighbours.set(2, "up", { isLeaving: true });
    neighbours.set(3, "down");
    expect([2999, 3000].map((upForMs) => sharers(survey(upForMs)))).to.deep.equal([[0, 3], [0]]);
    neighbours.set(0, "silent");
    expect(sharers(survey(2999))).to.deep.equal([3]);
  });

  it("expects of an instance that has just started that it claims what it prefers", () => {
    neighbours.set(0, "up", { upMs: 100 });
    expect(isExpected(survey(), 0)).to.equal(true);
    neighbours.set(0, "up", { upMs: 100, isLeaving: true });
    expect(isExpected(survey(), 0)).to.equal(false);
    neighbours.set(0, "up", { upMs: 3000 });
    expect(isExpected(survey(), 0)).to.equal(false);
  });

  it("expects one that was never up only for a while after this one's own start", () => {
    for (const standing of ["unknown", "down"] as const) {
      neighbours.set(0, standing);
      expect([2999, 3000].map((upForMs) => isExpected(survey(upForMs), 0))).to.deep.equal([true, false]);
    }
  });

  it("does not wait for one that died, that says nothing, or for itself", () => {
    neighbours.set(0, "down");
    wasUp.add(0);
    expect(isExpected(survey(100), 0)).to.equal(false);
    neighbours.set(2, "silent");
    expect(isExpected(survey(100), 2)).to.equal(false);
    expect(isExpected(survey(100), 1)).to.equal(false);
  });
});
