import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect } from "chai";
import {
  HealthSnapshot,
  isFeltDown,
  isPolledFailing,
  isUp,
  minResponseMs,
  pollStamp,
} from "../../../core/routing/health-snapshot.ts";
import { NOON_MS } from "../../support/payments.ts";
import { forSeeds } from "../../support/random.ts";
import { DEFAULT, FALLBACK, TWO_NAMES } from "../../support/terms.ts";

function reading(health: HealthSnapshot, processor: number) {
  const word = health.read(processor);
  return {
    failing: isPolledFailing(word),
    down: isFeltDown(word),
    up: isUp(word),
    responseMs: minResponseMs(word),
    stamp: pollStamp(word),
  };
}

describe("health snapshot", () => {
  it("takes every processor for healthy until known better", () => {
    const health = new HealthSnapshot(TWO_NAMES.length);
    for (const processor of [DEFAULT, FALLBACK]) {
      expect(reading(health, processor)).to.deep.equal({
        failing: false,
        down: false,
        up: true,
        responseMs: 0,
        stamp: 0,
      });
    }
  });

  it("says what was polled, of that processor only", () => {
    const health = new HealthSnapshot(TWO_NAMES.length);
    health.polled(FALLBACK, true, 1234, 77_999);
    expect(reading(health, FALLBACK)).to.deep.equal({
      failing: true,
      down: false,
      up: false,
      responseMs: 1234,
      stamp: 77,
    });
    expect(reading(health, DEFAULT).stamp).to.equal(0);
    health.polled(FALLBACK, false, 5, 82_000);
    expect(reading(health, FALLBACK)).to.deep.equal({
      failing: false,
      down: false,
      up: true,
      responseMs: 5,
      stamp: 82,
    });
  });

  it("is not brought up by a poll while payments find the processor down", () => {
    const health = new HealthSnapshot(TWO_NAMES.length);
    health.feltDown(DEFAULT);
    health.polled(DEFAULT, false, 3, 9000);
    expect(reading(health, DEFAULT)).to.deep.equal({ failing: false, down: true, up: false, responseMs: 3, stamp: 9 });
  });

  it("believes a charged payment more than the poll before it, and keeps the rest of the poll", () => {
    const health = new HealthSnapshot(TWO_NAMES.length);
    health.polled(DEFAULT, true, 100, 9000);
    health.feltDown(DEFAULT);
    expect(isUp(health.read(DEFAULT))).to.equal(false);
    health.feltUp(DEFAULT);
    expect(reading(health, DEFAULT)).to.deep.equal({
      failing: false,
      down: false,
      up: true,
      responseMs: 100,
      stamp: 9,
    });
  });

  it("keeps response times within its 14 bits, and whole", () => {
    const health = new HealthSnapshot(1);
    const kept: [number, number][] = [
      [16_383, 16_383],
      [16_384, 16_383],
      [1e9, 16_383],
      [Number.POSITIVE_INFINITY, 16_383],
      [-1, 0],
      [1.6, 2],
    ];
    for (const [told, expected] of kept) {
      health.polled(0, true, told, NOON_MS);
      expect(reading(health, 0)).to.include({ failing: true, down: false, responseMs: expected });
    }
  });

  it("stamps polls in seconds that go round at 2^16, high bit included", () => {
    const health = new HealthSnapshot(1);
    for (const second of [0x7fff, 0x8000, 0xffff, 0x10000, 0x10001, NOON_MS / 1000]) {
      health.polled(0, false, 16_383, second * 1000 + 999);
      expect(reading(health, 0)).to.deep.equal({
        failing: false,
        down: false,
        up: true,
        responseMs: 16_383,
        stamp: second % 0x10000,
      });
    }
  });

  it("is the same through another view of its buffer", () => {
    const health = new HealthSnapshot(TWO_NAMES.length);
    const view = new HealthSnapshot(TWO_NAMES.length, health.buffer);
    view.polled(FALLBACK, true, 7, 5000);
    view.feltDown(DEFAULT);
    expect([reading(health, FALLBACK).failing, reading(health, DEFAULT).down]).to.deep.equal([true, true]);
  });

  it("agrees with plain fields for random news", () => {
    forSeeds(20, (random) => {
      const health = new HealthSnapshot(TWO_NAMES.length);
      const model = [0, 1].map(() => ({ failing: false, down: false, responseMs: 0, stamp: 0 }));
      for (let step = 0; step < 500; step++) {
        const processor = random.below(2);
        const fields = model[processor]!;
        const what = random.below(3);
        if (what === 0) {
          const [failing, responseMs, atMs] = [random.chance(0.5), random.below(20_000), random.bits() * 100];
          health.polled(processor, failing, responseMs, atMs);
          Object.assign(fields, { failing, responseMs: Math.min(responseMs, 16_383) });
          fields.stamp = Math.floor(atMs / 1000) % 65_536;
        } else if (what === 1) {
          health.feltDown(processor);
          fields.down = true;
        } else {
          health.feltUp(processor);
          fields.down = fields.failing = false;
        }
        for (const p of [0, 1]) {
          const { failing, down } = model[p]!;
          expect(reading(health, p)).to.deep.equal({ ...model[p], up: !failing && !down });
        }
      }
    });
  });

  it("loses no change when two threads write the same word", async () => {
    const health = new HealthSnapshot(TWO_NAMES.length);
    const workerData = { buffer: health.buffer, turns: 200_000 };
    const worker = new Worker(new URL("../../support/health-writer.js", import.meta.url), { workerData });
    let lostByWorker: number | undefined;
    const ended = once(worker, "message").then(([count]) => {
      lostByWorker = count as number;
    });
    let lostHere = 0;
    for (let n = 0; lostByWorker === undefined; n++) {
      health.polled(FALLBACK, false, n % 16_384, n * 1000);
      const word = health.read(FALLBACK);
      // Torn readings would show the stamp of one poll and the response time of another.
      if (minResponseMs(word) !== n % 16_384 || pollStamp(word) !== n % 65_536) lostHere++;
      if (n % 5000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await ended;
    await worker.terminate();
    expect([lostHere, lostByWorker]).to.deep.equal([0, 0]);
  });
});
