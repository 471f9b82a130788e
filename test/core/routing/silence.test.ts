import { expect } from "chai";
import { Silence } from "../../../core/routing/silence.ts";

const USUAL_MS = 20;

/** With these attempts out. */
function sent(...beganAtMs: number[]): Silence {
  const silence = new Silence();
  for (const atMs of beganAtMs) silence.began(atMs);
  return silence;
}

function answer(silence: Silence, beganAtMs: number, atMs: number): void {
  silence.ended(beganAtMs);
  silence.answered(beganAtMs, atMs);
}

describe("silence", () => {
  it("is what nobody hears for 200 ms while attempts are out", () => {
    const silence = sent(1000, 1100);
    expect([1199, 1200].map((nowMs) => silence.isHanging(USUAL_MS, nowMs))).to.deep.equal([false, true]);
    expect(new Silence().isHanging(USUAL_MS, 1e6)).to.equal(false);
  });

  it("takes as long as an answer usually takes, and 3 s at most", () => {
    const longAfter = (usualMs: number, ms: number) => sent(0).isHanging(usualMs, ms);
    expect([longAfter(900, 899), longAfter(900, 900)]).to.deep.equal([false, true]);
    expect([longAfter(20_000, 2999), longAfter(20_000, 3000)]).to.deep.equal([false, true]);
  });

  it("begins anew with every answer, and with the first attempt after all have ended", () => {
    const silence = sent(0, 100);
    answer(silence, 0, 150);
    expect([silence.isHanging(USUAL_MS, 349), silence.isHanging(USUAL_MS, 350)]).to.deep.equal([false, true]);
    answer(silence, 100, 400);
    silence.began(5000);
    expect(silence.isHanging(USUAL_MS, 5100)).to.equal(false);
  });

  it("lasts until an answer comes, whatever a poll says of the usual time, or until nothing is out", () => {
    const silence = sent(0);
    expect([silence.isHanging(USUAL_MS, 200), silence.isHanging(3000, 201)]).to.deep.equal([true, true]);
    silence.ended(0);
    expect(silence.isHanging(USUAL_MS, 10_000)).to.equal(false);
  });

  it("is looked into every 250 ms", () => {
    const silence = sent(0, 100);
    expect([349, 350].map((nowMs) => silence.isLookDue(nowMs))).to.deep.equal([false, true]);
  });

  it("leaves those stuck that a look has overtaken, until they end", () => {
    const silence = sent(0, 10, 20);
    silence.isHanging(USUAL_MS, 250);
    silence.began(250);
    answer(silence, 250, 270);
    expect([silence.stuckCount, silence.isHanging(USUAL_MS, 9000)]).to.deep.equal([3, false]);
    silence.began(9000);
    silence.ended(0);
    expect(silence.stuckCount).to.equal(2);
    answer(silence, 9000, 9020);
    expect(silence.stuckCount).to.equal(2);
    for (const beganAtMs of [10, 20]) silence.ended(beganAtMs);
    expect(silence.stuckCount).to.equal(0);
  });

  it("leaves nobody stuck where the processor is slow: the oldest are answered first", () => {
    const silence = sent(0, 10, 20);
    silence.isHanging(USUAL_MS, 250);
    silence.began(250);
    answer(silence, 0, 1000);
    expect([silence.stuckCount, silence.isHanging(USUAL_MS, 1100)]).to.deep.equal([0, false]);
  });
});
