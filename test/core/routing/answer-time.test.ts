import { expect } from "chai";
import { AnswerTime } from "../../../core/routing/answer-time.ts";
import { forSeeds } from "../../support/random.ts";

/** One attempt that is charged after `tookMs`. */
function attempt(time: AnswerTime, atMs: number, tookMs: number): void {
  time.began(atMs);
  time.answered(atMs);
  time.charged(atMs, atMs + tookMs);
}

describe("answer time", () => {
  it("is what the last poll said while nothing else is known", () => {
    const time = new AnswerTime();
    expect(time.expectedMs(0)).to.equal(0);
    time.polled(1500, 100);
    expect(time.expectedMs(5000)).to.equal(1500);
  });

  it("moves from what the poll said to what answers take", () => {
    const time = new AnswerTime();
    time.polled(1000, 0);
    for (let i = 1; i <= 40; i++) attempt(time, i, 20);
    expect(time.expectedMs(100)).to.be.within(20, 30);
  });

  it("does not heed an answer to an attempt that began before the last poll", () => {
    const time = new AnswerTime();
    time.began(0);
    time.polled(10, 1000);
    time.answered(0);
    time.charged(0, 2000);
    expect(time.expectedMs(2000)).to.equal(10);
  });

  it("is twice what the oldest attempt has waited that is later than every answered one, once that is unusual", () => {
    const time = new AnswerTime();
    time.began(100);
    time.began(200);
    expect([150, 151, 700].map((nowMs) => time.expectedMs(nowMs))).to.deep.equal([50, 102, 1200]);
    time.answered(100);
    expect(time.expectedMs(700)).to.equal(1000);
    time.answered(200);
    expect(time.expectedMs(700)).to.equal(0);
  });

  it("takes an attempt that hangs for odd once a later one is answered", () => {
    const time = new AnswerTime();
    time.began(0);
    attempt(time, 50, 10);
    expect(time.expectedMs(9000)).to.be.below(10);
  });

  it("forgets an attempt that never left", () => {
    const time = new AnswerTime();
    time.began(10);
    time.dropped(10);
    expect(time.expectedMs(5000)).to.equal(0);
  });

  it("agrees with a list of attempts for random use, beyond what it remembers too", () => {
    forSeeds(20, (random) => {
      const time = new AnswerTime();
      let unanswered: number[] = [];
      const out: number[] = [];
      for (let step = 0, nowMs = 1; step < 3000; step++, nowMs += random.below(3)) {
        if (random.chance(random.pick([0.3, 0.9]))) {
          time.began(nowMs);
          if (unanswered.length < 1024) unanswered.push(nowMs);
          out.push(nowMs);
        } else if (out.length > 0) {
          const [beganAtMs] = out.splice(random.below(out.length), 1);
          time.answered(beganAtMs!);
          unanswered = unanswered.filter((atMs) => atMs > beganAtMs!);
        }
        const waitedMs = unanswered.length === 0 ? 0 : nowMs - unanswered[0]!;
        expect(time.expectedMs(nowMs)).to.equal(waitedMs > 50 ? 2 * waitedMs : waitedMs);
      }
    });
  });
});
