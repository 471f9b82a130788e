import { expect } from "chai";
import { OLD_DOUBT_MS } from "../../../core/settling/open-doubts.ts";
import { NOON_MS } from "../../support/engine-life.ts";
import { uuid } from "../../support/payments.ts";
import { forSeeds } from "../../support/random.ts";
import { inquiryAbout, restored } from "../../support/restored-life.ts";

describe("held payments that are held for long", () => {
  it("are stuck five minutes after the start, later ones five minutes after their acceptance", () => {
    const { engine } = restored({ watchUntilMs: Number.POSITIVE_INFINITY });
    const held = engine.held!;
    engine.accept(uuid(5), 0, 500, NOON_MS + 1000);
    const stuckAt = (afterMs: number): number => held.stuckCount(NOON_MS + OLD_DOUBT_MS + afterMs);
    expect([100, 101, 1000, 1001].map(stuckAt)).to.deep.equal([0, 3, 3, 4]);
    expect(held.isStuck(engine.lookup(uuid(4)), NOON_MS + OLD_DOUBT_MS * 2), "not held").to.equal(false);
    expect(held.heldSinceMs(engine.lookup(uuid(1)))).to.equal(NOON_MS + 100);
  });

  it("are counted as they come and go", () => {
    forSeeds(20, (random) => {
      const life = restored({ watchUntilMs: Number.POSITIVE_INFINITY });
      const { engine } = life;
      const held = engine.held!;
      let nowMs = NOON_MS + 200;
      let next = 5;
      for (let step = 0; step < 60; step++) {
        nowMs += random.below(30_000);
        if (next < 60 && random.chance(0.5)) engine.accept(uuid(next++), 0, 100, nowMs);
        if (random.chance(0.9)) engine.batch.clear();
        else engine.revert();
        const slots = Array.from({ length: engine.ledger.rows.capacity }, (_, slot) => slot);
        const [first] = slots.filter((slot) => held.has(slot));
        if (first !== undefined && random.chance(0.4)) engine.settleByHand(first, "failed", nowMs);
        const stuck = slots.filter((slot) => held.isStuck(slot, nowMs));
        expect(held.stuckCount(nowMs)).to.equal(stuck.length);
        const before = slots.filter((slot) => held.has(slot) && engine.ledger.sequenceOf(slot) < held.stuckEnd(nowMs));
        expect(before).to.deep.equal(stuck);
        expect(held.page(0, 100)).to.have.length(held.count);
        expect(held.page(2, 3)).to.deep.equal(held.page(0, 5).slice(2));
        if (random.chance(0.02)) engine.purge(nowMs);
      }
    });
  });

  it("are counted no more once they are released", () => {
    const life = restored();
    const nowMs = NOON_MS + OLD_DOUBT_MS * 2;
    expect(life.engine.held!.stuckCount(nowMs)).to.equal(3);
    life.engine.release(inquiryAbout(life, 1), nowMs);
    expect(life.engine.held!.stuckCount(nowMs)).to.equal(2);
  });
});
