import { expect } from "chai";
import { AttemptTrail, type TrailEntry } from "../../../core/ledger/attempt-trail.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import * as Reason from "../../../core/values/reason.ts";
import { forSeeds } from "../../support/random.ts";

describe("attempt trail", () => {
  it("gives a payment's attempts back, oldest first", () => {
    const trail = new AttemptTrail(8);
    const first = trail.push(0, 10, 3, 0, Outcome.FAILING, Reason.CHEAPEST);
    const second = trail.push(first, 20, 1500, 1, Outcome.TIMED_OUT, Reason.CHEAPEST);
    expect(trail.read(second, 32)).to.deep.equal([
      { beganAfterMs: 10, elapsedMs: 3, processor: 0, outcome: Outcome.FAILING, reason: Reason.CHEAPEST },
      { beganAfterMs: 20, elapsedMs: 1500, processor: 1, outcome: Outcome.TIMED_OUT, reason: Reason.CHEAPEST },
    ]);
    expect(trail.read(first, 32)).to.have.length(1);
  });

  it("is empty for a payment without entries", () => {
    const trail = new AttemptTrail(8);
    trail.push(0, 1, 1, 0, Outcome.FAILING, Reason.CHEAPEST);
    expect(trail.read(0, 32)).to.deep.equal([]);
  });

  it("gives the newest when there are more than asked for", () => {
    const trail = new AttemptTrail(8);
    let newest = 0;
    for (let i = 0; i < 5; i++) newest = trail.push(newest, i, 0, 0, Outcome.FAILING, Reason.CHEAPEST);
    expect(trail.read(newest, 3).map((entry) => entry.beganAfterMs)).to.deep.equal([2, 3, 4]);
    expect(trail.read(newest, 0)).to.deep.equal([]);
  });

  it("ends a chain where it was overwritten", () => {
    const trail = new AttemptTrail(3);
    let newest = 0;
    for (let i = 0; i < 3; i++) newest = trail.push(newest, i, 0, 0, Outcome.FAILING, Reason.CHEAPEST);
    expect(trail.read(newest, 32).map((entry) => entry.beganAfterMs)).to.deep.equal([0, 1, 2]);
    trail.push(0, 99, 0, 1, Outcome.FAILING, Reason.CHEAPEST);
    expect(trail.read(newest, 32).map((entry) => entry.beganAfterMs)).to.deep.equal([1, 2]);
    for (let i = 0; i < 2; i++) trail.push(0, 99, 0, 1, Outcome.FAILING, Reason.CHEAPEST);
    expect(trail.read(newest, 32)).to.deep.equal([]);
  });

  it("says its longest duration for longer ones", () => {
    const trail = new AttemptTrail(1);
    const entry = trail.push(0, 2 ** 32, 2 ** 40, 1, Outcome.FAILING, Reason.CHEAPEST);
    expect(trail.read(entry, 1)).to.deep.equal([
      {
        beganAfterMs: 2 ** 32 - 1,
        elapsedMs: 2 ** 32 - 1,
        processor: 1,
        outcome: Outcome.FAILING,
        reason: Reason.CHEAPEST,
      },
    ]);
  });

  it("agrees with a list per payment of which only the last entries of all are kept", () => {
    forSeeds(20, (random) => {
      const capacity = random.between(1, 40);
      const trail = new AttemptTrail(capacity);
      const payments = Array.from({ length: random.between(1, 8) }, () => ({ newest: 0, all: [] as number[] }));
      const entries: TrailEntry[] = [];
      for (let step = 0; step < 300; step++) {
        const payment = random.pick(payments);
        const entry = {
          beganAfterMs: random.bits(),
          elapsedMs: random.below(2000),
          processor: random.below(16),
          outcome: random.below(16),
          reason: random.below(7),
        };
        payment.newest = trail.push(
          payment.newest,
          entry.beganAfterMs,
          entry.elapsedMs,
          entry.processor,
          entry.outcome,
          entry.reason,
        );
        payment.all.push(entries.push(entry) - 1);
        const asked = random.pick(payments);
        const limit = random.between(1, 12);
        const kept = asked.all.filter((number) => number >= entries.length - capacity).slice(-limit);
        expect(trail.read(asked.newest, limit)).to.deep.equal(kept.map((number) => entries[number]));
      }
    });
  });
});
