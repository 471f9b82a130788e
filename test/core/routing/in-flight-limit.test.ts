import { expect } from "chai";
import { InFlightLimit } from "../../../core/routing/in-flight-limit.ts";
import { forSeeds } from "../../support/random.ts";

/**
 * A processor that works on `capacity` requests at once, each for `delayMs`, and lets others queue; or says 429 beyond
 * `refuseBeyond`. It is kept as full as the limit allows, in steps of a millisecond.
 */
class Driven {
  nowMs = 1000;
  readonly limit: InFlightLimit;
  capacity: number;
  delayMs: number;
  refuseBeyond = Number.POSITIVE_INFINITY;
  chargedCount = 0;
  refusedCount = 0;
  /** Times of those that are worked on and of those that queue. */
  #working: { beganAtMs: number; untilMs: number }[] = [];
  #queue: number[] = [];

  constructor(max: number, capacity: number, delayMs: number) {
    this.limit = new InFlightLimit(max);
    this.capacity = capacity;
    this.delayMs = delayMs;
  }

  get outCount(): number {
    return this.#working.length + this.#queue.length;
  }

  /** At most `perMs` begin each millisecond. */
  run(ms: number, perMs = Number.POSITIVE_INFINITY): this {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs++) {
      for (const done of this.#working.filter(({ untilMs }) => untilMs <= this.nowMs)) {
        this.limit.succeeded(done.beganAtMs, this.nowMs);
        this.chargedCount++;
      }
      this.#working = this.#working.filter(({ untilMs }) => untilMs > this.nowMs);
      for (let begun = 0; begun < perMs && this.outCount < this.limit.current; begun++) {
        this.limit.began(this.outCount + 1, this.nowMs);
        if (this.outCount >= this.refuseBeyond) {
          this.limit.overloaded(this.nowMs, this.nowMs);
          this.refusedCount++;
          break;
        }
        this.#queue.push(this.nowMs);
      }
      while (this.#working.length < this.capacity && this.#queue.length > 0)
        this.#working.push({ beganAtMs: this.#queue.shift()!, untilMs: this.nowMs + this.delayMs });
    }
    return this;
  }
}

describe("in-flight limit", () => {
  it("begins at 16, or at its maximum if that is less", () => {
    expect([1000, 16, 15, 1].map((max) => new InFlightLimit(max).current)).to.deep.equal([16, 16, 15, 1]);
    expect(new InFlightLimit(1000).hoped).to.equal(1000);
  });

  it("doubles every round in which it is used up, to its maximum and no further", () => {
    const driven = new Driven(100, 1000, 100);
    const seen = [0, 1, 2, 3, 4].map(() => driven.run(100).limit.current);
    expect(seen).to.deep.equal([16, 32, 64, 100, 100]);
  });

  it("does not grow while it is not what holds payments back", () => {
    expect(new Driven(100, 1000, 10).run(3000, 1).limit.current).to.equal(16);
  });

  it("finds what a processor bears by its answer times, though that says no to nothing", () => {
    for (const [capacity, delayMs] of [
      [50, 100],
      [200, 1000],
      [800, 2000],
    ] as const) {
      const driven = new Driven(4000, capacity, delayMs).run(40 * delayMs);
      expect(driven.limit.current, `${capacity} at once`).to.be.within(capacity * 0.8, capacity * 2);
      const before = driven.chargedCount;
      driven.run(10 * delayMs);
      expect(driven.chargedCount - before, `${capacity} at once`).to.be.at.least(capacity * 9.5);
    }
  });

  it("keeps to what a processor bears that says 429", () => {
    const driven = new Driven(4000, 100, 200);
    driven.refuseBeyond = 100;
    driven.run(20_000);
    expect(driven.chargedCount).to.be.at.least(0.6 * 100 * 100);
    expect(driven.refusedCount).to.be.below(driven.chargedCount / 20);
  });

  it("does not take a processor's own longer answer time for a queue: it grows to what the time needs", () => {
    const driven = new Driven(1000, 800, 5).run(2000, 1);
    driven.delayMs = 1000;
    driven.run(12_000, 1);
    const before = driven.chargedCount;
    driven.run(2000, 1);
    expect(driven.chargedCount - before).to.be.at.least(500);
  });

  it("shrinks when answers take longer than the poll said that came before them", () => {
    const driven = new Driven(1000, 400, 1000).run(20_000);
    expect(driven.limit.current).to.be.at.least(300);
    driven.capacity = 40;
    for (let i = 0; i < 16; i++) {
      driven.limit.polled(1000, driven.nowMs);
      driven.run(5000);
    }
    expect(driven.limit.current).to.be.within(20, 160);
  });

  it("halves once for all that was begun before it halved, and never falls below one", () => {
    const limit = new InFlightLimit(16);
    for (let i = 0; i < 16; i++) limit.overloaded(900 + i, 1000 + i);
    expect(limit.current).to.equal(8);
    limit.overloaded(1001, 1100);
    expect(limit.current).to.equal(4);
    for (let i = 0; i < 20; i++) limit.overloaded(2000 + i * 10, 2005 + i * 10);
    expect(limit.current).to.equal(1);
    expect(new Driven(16, 100, 10).run(1000).limit.current).to.equal(16);
  });

  it("begins anew after an outage, with slow start", () => {
    const driven = new Driven(200, 1000, 50).run(100);
    driven.limit.overloaded(driven.nowMs, driven.nowMs);
    driven.limit.restart();
    expect([driven.limit.current, driven.limit.hoped]).to.deep.equal([16, 200]);
    const small = new InFlightLimit(4);
    small.overloaded(0, 10);
    small.restart();
    expect(small.current).to.equal(4);
  });

  it("stays within its bounds, whatever happens", () => {
    forSeeds(15, (random) => {
      const max = random.between(1, 300);
      const limit = new InFlightLimit(max);
      for (let step = 0, nowMs = 1000; step < 3000; step++, nowMs += random.below(5)) {
        const before = limit.current;
        const kind = random.below(100);
        if (kind === 0) limit.overloaded(nowMs - random.below(300), nowMs);
        else if (kind === 1) limit.polled(random.below(2000), nowMs);
        else if (kind === 2) limit.restart();
        else if (kind < 50) limit.began(random.between(1, before), nowMs);
        else limit.succeeded(nowMs - random.below(300), nowMs);
        expect(limit.current).to.be.within(1, max);
        expect(limit.hoped).to.be.within(limit.current, max);
        if (kind > 2) expect(limit.current).to.be.within(Math.floor(before / 4), Math.max(before * 2, before + 1));
      }
    });
  });

  it("may come to more or less from some time on, and keeps what it knows", () => {
    const driven = new Driven(64, 1000, 50).run(3000);
    expect([driven.limit.current, driven.limit.hoped]).to.deep.equal([64, 64]);
    driven.limit.bound(20);
    expect([driven.limit.current, driven.limit.hoped]).to.deep.equal([20, 20]);
    driven.run(3000);
    expect(driven.limit.current).to.equal(20);
    driven.limit.bound(300);
    expect([driven.limit.current, driven.limit.hoped]).to.deep.equal([20, 300]);
    driven.run(5000);
    expect(driven.limit.current).to.be.above(200);
    driven.limit.overloaded(driven.nowMs, driven.nowMs);
    const { hoped } = driven.limit;
    driven.limit.bound(1000);
    expect(driven.limit.hoped).to.equal(hoped);
    driven.limit.bound(1);
    driven.run(3000);
    expect(driven.limit.current).to.equal(1);
  });
});
