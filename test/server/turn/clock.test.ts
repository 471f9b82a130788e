import { expect } from "chai";
import type { Clocks } from "../../../server/system/time.ts";
import { SlewedClock } from "../../../server/turn/clock.ts";
import { forSeeds, type Random } from "../../support/random.ts";

const NOON_MS = Date.UTC(2025, 6, 15, 12);
const ADJUST_INTERVAL_MS = 1000;
const RATE_ERROR_MAX = 0.05;

/** The machine's two clocks; the wall clock may be set. */
class Machine {
  monotonicMs = 5000.25;
  wallOffsetMs = NOON_MS;

  readonly clock: SlewedClock;
  /** Steps of the wall clock that were noticed. */
  readonly steps: number[] = [];
  /** The process is stopped for so long between reading one clock and the other. */
  pauseMs = 0;

  constructor(notBeforeMs = 0) {
    const clocks: Clocks = {
      // A wall clock is read in whole milliseconds.
      wallMs: () => {
        this.monotonicMs += this.pauseMs;
        return Math.floor(this.wallMs);
      },
      monotonicMs: () => this.monotonicMs,
    };
    this.clock = new SlewedClock(clocks, notBeforeMs, (stepMs) => this.steps.push(stepMs));
  }

  get wallMs(): number {
    return this.monotonicMs + this.wallOffsetMs;
  }

  /** Lets real time pass, adjusting once a second. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= ADJUST_INTERVAL_MS) {
      this.monotonicMs += Math.min(left, ADJUST_INTERVAL_MS);
      this.clock.adjust();
    }
  }

  get errorMs(): number {
    return this.clock.nowMs() - this.wallMs;
  }
}

/** Readings between random wall steps and adjustments, each with the real time since the one before. */
function randomReadings(random: Random, onReading: (elapsedMs: number, readMs: number) => void): void {
  const machine = new Machine();
  let sinceAdjustMs = 0;
  let readAtMs = machine.monotonicMs;
  for (let i = 0; i < 2000; i++) {
    const stepMs = random.below(3000) / 10;
    machine.monotonicMs += stepMs;
    sinceAdjustMs += stepMs;
    if (random.chance(0.02)) machine.wallOffsetMs += random.between(-100_000, 100_000);
    if (random.chance(0.02)) machine.wallOffsetMs += random.between(-20, 20);
    if (sinceAdjustMs >= ADJUST_INTERVAL_MS) {
      machine.clock.adjust();
      sinceAdjustMs = 0;
    }
    onReading(machine.monotonicMs - readAtMs, machine.clock.nowMs());
    readAtMs = machine.monotonicMs;
  }
}

describe("slewed clock", () => {
  it("starts at the wall clock and runs with real time", () => {
    const machine = new Machine();
    expect(machine.clock.nowMs()).to.equal(Math.floor(machine.wallMs));
    machine.pass(60_000);
    expect(machine.errorMs).to.be.within(-2, 2);
  });

  it("reads whole milliseconds", () => {
    const machine = new Machine();
    for (let i = 0; i < 100; i++) {
      machine.monotonicMs += 0.37;
      expect(machine.clock.nowMs()).to.satisfy(Number.isInteger);
    }
  });

  it("does not start before the latest time of an earlier life", () => {
    const machine = new Machine(NOON_MS + 90_000);
    expect(machine.clock.nowMs()).to.equal(NOON_MS + 90_000);
    machine.pass(10_000);
    expect(machine.clock.nowMs()).to.be.above(NOON_MS + 90_000);
  });

  it("never goes back, whatever is done to the wall clock", () => {
    forSeeds(30, (random) => {
      let lastMs = 0;
      randomReadings(random, (_elapsedMs, readMs) => {
        expect(readMs).to.be.at.least(lastMs);
        lastMs = readMs;
      });
    });
  });

  it("runs within 5 % of real time, whatever is done to the wall clock", () => {
    forSeeds(30, (random) => {
      let lastMs: number | undefined;
      randomReadings(random, (elapsedMs, readMs) => {
        if (lastMs !== undefined) {
          // A reading is cut to whole milliseconds, so each end may be off by one.
          expect(readMs - lastMs).to.be.at.least(elapsedMs * (1 - RATE_ERROR_MAX) - 1);
          expect(readMs - lastMs).to.be.at.most(elapsedMs * (1 + RATE_ERROR_MAX) + 1);
        }
        lastMs = readMs;
      });
    });
  });

  for (const stepMs of [10_000, -10_000, 1234, -777]) {
    it(`meets the wall clock again after it was set by ${stepMs} ms`, () => {
      const machine = new Machine();
      machine.pass(5000);
      machine.wallOffsetMs += stepMs;
      const neededMs = Math.abs(stepMs) / RATE_ERROR_MAX;
      machine.pass(neededMs / 2);
      expect(Math.abs(machine.errorMs)).to.be.within(Math.abs(stepMs) * 0.45, Math.abs(stepMs) * 0.55 + 60);
      machine.pass(neededMs / 2 + 3000);
      expect(Math.abs(machine.errorMs)).to.be.at.most(60);
    });
  }

  for (const stepMs of [10_010, -10_010, 7, -23]) {
    it(`stays with the wall clock once it has met it, after a step of ${stepMs} ms`, () => {
      const machine = new Machine();
      machine.wallOffsetMs += stepMs;
      // Whole seconds: the steps of a clock that runs past its goal must not happen to add up to it.
      machine.pass(Math.ceil(Math.abs(stepMs) / RATE_ERROR_MAX / 1000) * 1000 + 5000);
      for (let i = 0; i < 20; i++) {
        machine.pass(ADJUST_INTERVAL_MS);
        expect(Math.abs(machine.errorMs), `second ${i}`).to.be.at.most(5);
      }
    });
  }

  it("tells each step of the wall clock by more than a second once, and how far it went", () => {
    const machine = new Machine();
    machine.pass(10_000);
    machine.wallOffsetMs += 3_600_000;
    machine.pass(10_000);
    machine.wallOffsetMs -= 7_200_000;
    machine.pass(10_000);
    machine.wallOffsetMs += 900;
    machine.pass(10_000);
    expect(machine.steps).to.have.length(2);
    expect(machine.steps[0]).to.be.within(3_599_990, 3_600_010);
    expect(machine.steps[1]).to.be.within(-7_200_010, -7_199_990);
  });

  it("takes neither a start ahead of the wall clock nor its own slewing for a step", () => {
    const machine = new Machine(NOON_MS + 3_600_000);
    machine.pass(60_000);
    expect(machine.steps).to.deep.equal([]);
  });

  it("compares no clocks between which the process was stopped", () => {
    const machine = new Machine();
    machine.pass(10_000);
    machine.pauseMs = 5000;
    const beforeMs = machine.clock.nowMs();
    machine.clock.adjust();
    machine.pauseMs = 0;
    machine.pass(10_000);
    expect(machine.steps).to.deep.equal([]);
    expect(machine.clock.nowMs() - beforeMs).to.be.within(14_900, 15_100);
    expect(machine.errorMs).to.be.within(-2, 2);
  });
});
