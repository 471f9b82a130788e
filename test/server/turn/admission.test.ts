import { expect } from "chai";
import { Admission, BUSY_MS, BUSY_TURNS, TAKEN_MIN, TAKING_MS } from "../../../server/turn/admission.ts";

/** An event loop in virtual time: turns of payments that take time, and waits. */
class Loop {
  readonly admission: Admission;
  #nowMs = 1000;
  #idleMs = 0;
  #atEnd: (() => void)[] = [];

  constructor() {
    const time = { monotonicMs: () => this.#nowMs, atEndOfTurn: (run: () => void) => void this.#atEnd.push(run) };
    this.admission = new Admission({ time, idleMs: () => this.#idleMs });
  }

  /** Reads payments that take so long each; returns which of them are refused. */
  turn(count: number, eachMs: number): boolean[] {
    const refused = Array.from({ length: count }, () => {
      const isTooMany = this.admission.isTooMany();
      this.#nowMs += eachMs;
      return isTooMany;
    });
    for (const run of this.#atEnd.splice(0)) run();
    return refused;
  }

  wait(ms: number): void {
    this.#nowMs += ms;
    this.#idleMs += ms;
  }

  /** Turns of 2 × TAKING_MS, without a wait, until a queue that does not empty is a standing one. */
  overload(): void {
    for (let i = 0; i < BUSY_TURNS; i++) this.turn(4, TAKING_MS / 2);
  }
}

const countOf = (refused: readonly boolean[]): number => refused.filter((one) => one).length;

describe("admission", () => {
  it("refuses nothing in a burst, however long its turn is", () => {
    const loop = new Loop();
    for (let i = 0; i < 50; i++) {
      expect(countOf(loop.turn(100, BUSY_MS))).to.equal(0);
      loop.wait(0.01);
    }
  });

  it("refuses nothing after one turn that stood still, and the few that what piled up meanwhile takes", () => {
    const loop = new Loop();
    expect(countOf(loop.turn(2, 10 * BUSY_MS))).to.equal(0);
    for (let i = 1; i < BUSY_TURNS; i++) expect(countOf(loop.turn(100, 1)), `turn=${i}`).to.equal(0);
  });

  it("refuses nothing while turns are short, though the loop never waits", () => {
    const loop = new Loop();
    for (let i = 0; i < 1000; i++) expect(countOf(loop.turn(10, TAKING_MS / 10))).to.equal(0);
  });

  it("accepts for a while in each turn, and refuses the rest, once the loop has not waited for long enough", () => {
    const loop = new Loop();
    loop.overload();
    for (let i = 0; i < 100; i++) {
      const quick = loop.turn(2 * TAKEN_MIN, TAKING_MS / TAKEN_MIN);
      // From the beginning of the turn on, including the moment in which TAKING_MS are over.
      expect(quick.slice(0, TAKEN_MIN + 1)).to.not.include(true);
      expect(quick.slice(TAKEN_MIN + 1)).to.not.include(false);
      const slow = loop.turn(2 * TAKEN_MIN, TAKING_MS);
      expect(slow.slice(0, TAKEN_MIN)).to.not.include(true);
      expect(slow.slice(TAKEN_MIN)).to.not.include(false);
    }
  });

  it("accepts everything again as soon as the loop has waited", () => {
    const loop = new Loop();
    loop.overload();
    expect(countOf(loop.turn(100, 1))).to.be.above(0);
    loop.wait(0.01);
    expect(countOf(loop.turn(100, 1))).to.equal(0);
  });

  it("needs the time as well as the turns: many quick turns are no overload", () => {
    const loop = new Loop();
    const turnMs = BUSY_MS / (4 * BUSY_TURNS);
    for (let i = 0; i < 2 * BUSY_TURNS; i++) loop.turn(1, turnMs);
    const eachMs = (TAKING_MS + 1) / TAKEN_MIN;
    expect(countOf(loop.turn(TAKEN_MIN + 1, eachMs))).to.equal(0);
    loop.turn(1, BUSY_MS);
    expect(countOf(loop.turn(TAKEN_MIN + 1, eachMs))).to.equal(1);
  });

  it("refuses nothing to as few clients as may always wait, though the loop never does", () => {
    const loop = new Loop();
    for (let i = 0; i < 100; i++) expect(countOf(loop.turn(TAKEN_MIN, BUSY_MS))).to.equal(0);
  });
});
