import { expect } from "chai";
import { SendPacer } from "../../../server/sending/send-pacer.ts";
import { Random } from "../../support/random.ts";

/** How many sends the pacer allows now. */
function takeAll(pacer: SendPacer): number {
  let count = 0;
  while (pacer.hasCredit) {
    pacer.sent();
    count++;
  }
  return count;
}

describe("send pacer", () => {
  it("lets what has just come in leave at once, however much", () => {
    const pacer = new SendPacer(100);
    pacer.refill(0, 100, 0);
    takeAll(pacer);
    pacer.refill(0, 5100, 5000);
    expect(takeAll(pacer)).to.equal(5000);
  });

  it("lets a backlog leave evenly while payments come in: a fraction of it a second, 500 at least", () => {
    for (const [pendingCount, perSecond] of [
      [100, 500],
      [2000, 500],
      [8000, 2000],
      [400_000, 100_000],
    ] as const) {
      const pacer = new SendPacer(pendingCount);
      pacer.refill(0, pendingCount, pendingCount);
      takeAll(pacer);
      let sentCount = 0;
      for (let ms = 1; ms <= 1000; ms++) {
        pacer.refill(ms, pendingCount + Math.ceil(ms / 100), pendingCount);
        const now = takeAll(pacer);
        sentCount += now;
        expect(now).to.be.at.most(Math.max(1, Math.ceil(perSecond / 1000)) + 1);
      }
      // Credit beyond the cap is forgone, so a backlog of hundreds of thousands leaves at sixteen a millisecond. Ten
      // came in.
      expect(sentCount).to.be.closeTo(Math.min(perSecond, 16_000) + 10, 1);
    }
  });

  it("lets a backlog leave ten times as fast once nothing comes in", () => {
    const pacer = new SendPacer(0);
    pacer.refill(0, 100, 100);
    takeAll(pacer);
    const sentIn = (fromMs: number, toMs: number): number => {
      let sentCount = 0;
      for (let ms = fromMs; ms < toMs; ms++) {
        pacer.refill(ms, 100, 100);
        sentCount += takeAll(pacer);
      }
      return sentCount;
    };
    expect(sentIn(1, 249)).to.be.closeTo(124, 1);
    expect(sentIn(300, 500)).to.be.closeTo(1000, 16);
  });

  it("allows no burst after a pause", () => {
    const pacer = new SendPacer(0);
    pacer.refill(0, 0, 0);
    takeAll(pacer);
    pacer.refill(3_600_000, 0, 3000);
    expect(takeAll(pacer)).to.equal(16);
  });

  it("takes the payments of an earlier life for a backlog", () => {
    const pacer = new SendPacer(50_000);
    pacer.refill(1e12, 50_000, 50_000);
    expect(takeAll(pacer)).to.equal(16);
  });

  it("allows every payment once, and little more, whatever comes when", () => {
    const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 2 ** 31);
    const random = new Random(seed);
    const pacer = new SendPacer(0);
    let nowMs = 0;
    let head = 0;
    let sent = 0;
    let drainedMax = 16;
    for (let turn = 0; turn < 20_000; turn++) {
      const elapsedMs = random.below(4);
      nowMs += elapsedMs;
      head += random.below(5);
      const pendingCount = Math.max(0, head - sent);
      drainedMax += elapsedMs * Math.max(5, pendingCount / 400);
      pacer.refill(nowMs, head, pendingCount);
      while (sent < head && pacer.hasCredit) {
        pacer.sent();
        sent++;
      }
      expect(sent, `seed=${seed} turn=${turn}`).to.equal(head);
    }
    expect(takeAll(pacer), `seed=${seed}`).to.be.at.most(drainedMax);
  });
});
