import { expect } from "chai";
import { Setbacks } from "../../core/setbacks.ts";
import { forSeeds } from "./random.ts";

function released(setbacks: Setbacks, nowMs: number): number[] {
  const slots: number[] = [];
  setbacks.release(nowMs, (slot) => slots.push(slot));
  return slots.sort((a, b) => a - b);
}

describe("setbacks", () => {
  it("keep a payment back for 100 ms, and twice as long after each further attempt, up to 6.4 s", () => {
    for (const [attemptCount, waitMs] of [
      [1, 100],
      [2, 200],
      [7, 6400],
      [8, 6400],
      [255, 6400],
    ] as const) {
      const setbacks = new Setbacks();
      setbacks.keep(5, attemptCount, 1000);
      expect(released(setbacks, 1000 + waitMs - 1)).to.deep.equal([]);
      expect(released(setbacks, 1000 + waitMs)).to.deep.equal([5]);
      expect(released(setbacks, 1e9)).to.deep.equal([]);
    }
  });

  it("have room for 64, let all go when asked to, and forget all when cleared", () => {
    const setbacks = new Setbacks();
    const kept = Array.from({ length: 65 }, (_, slot) => setbacks.keep(slot, 1, 0));
    expect(kept.indexOf(false)).to.equal(64);
    expect(released(setbacks, Number.POSITIVE_INFINITY)).to.have.length(64);
    setbacks.keep(1, 1, 0);
    setbacks.clear();
    expect(released(setbacks, Number.POSITIVE_INFINITY)).to.deep.equal([]);
  });

  it("agree with a list for random use", () => {
    forSeeds(20, (random) => {
      const setbacks = new Setbacks();
      let model: { slot: number; dueAtMs: number }[] = [];
      for (let step = 0; step < 500; step++) {
        const nowMs = step * 50;
        if (random.chance(0.5)) {
          const attemptCount = random.between(1, 9);
          const isKept = setbacks.keep(step, attemptCount, nowMs);
          expect(isKept).to.equal(model.length < 64);
          if (isKept) model.push({ slot: step, dueAtMs: nowMs + Math.min(100 * 2 ** (attemptCount - 1), 6400) });
        } else {
          const due = model.filter(({ dueAtMs }) => dueAtMs <= nowMs).map(({ slot }) => slot);
          model = model.filter(({ dueAtMs }) => dueAtMs > nowMs);
          expect(released(setbacks, nowMs)).to.deep.equal(due);
        }
      }
    });
  });
});
