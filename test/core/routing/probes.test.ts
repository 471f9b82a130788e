import { expect } from "chai";
import { NO_PROBE, Probes } from "../../../core/routing/probes.ts";

describe("probes", () => {
  it("come 100 ms after the outage began, and later each time, up to a second", () => {
    const probes = new Probes();
    probes.restart(0);
    let nowMs = 0;
    for (const waitMs of [100, 200, 400, 800, 1000, 1000]) {
      expect(probes.isDue(nowMs + waitMs - 1), `${nowMs}`).to.equal(false);
      nowMs += waitMs;
      expect(probes.isDue(nowMs), `${nowMs}`).to.equal(true);
      expect(probes.end(probes.begin(nowMs))).to.equal(true);
      probes.failed(false, nowMs);
    }
  });

  it("are one at a time, unless the last one takes too long for an answer", () => {
    const probes = new Probes();
    probes.restart(0);
    const first = probes.begin(100);
    expect(first).to.not.equal(NO_PROBE);
    expect([probes.isDue(3099), probes.isDue(3100)]).to.deep.equal([false, true]);
    const second = probes.begin(3100);
    expect([probes.end(first), probes.end(NO_PROBE), probes.end(second)]).to.deep.equal([false, false, true]);
  });

  it("are brought forward by news", () => {
    const probes = new Probes();
    probes.restart(0);
    probes.bringForward(7);
    expect([probes.isDue(6), probes.isDue(7)]).to.deep.equal([false, true]);
  });

  it("are made with a fresh payment after eight in vain, or one that was not taken, and then with others again", () => {
    for (const [count, isOdd] of [
      [8, false],
      [1, true],
    ] as const) {
      const probes = new Probes();
      probes.restart(0);
      for (let i = 0; i < count; i++) {
        expect(probes.wantFresh).to.equal(false);
        probes.failed(isOdd, i);
      }
      expect(probes.wantFresh).to.equal(true);
      probes.failed(false, count);
      expect(probes.wantFresh).to.equal(false);
    }
  });

  it("remember when the processor was last tried", () => {
    const probes = new Probes();
    probes.restart(5);
    expect(probes.triedAtMs).to.equal(5);
    probes.begin(105);
    expect(probes.triedAtMs).to.equal(105);
  });
});
