import { expect } from "chai";
import { Engine } from "../../../core/engine.ts";
import { Replay } from "../../../core/ledger/replay.ts";
import { RecordBatch } from "../../../core/log/record.ts";
import { RecordBatches } from "../../../core/log/record-batches.ts";
import * as Kind from "../../../core/log/record-kind.ts";
import { WatermarkBound } from "../../../core/log/watermark-bound.ts";
import { NO_FLIGHT } from "../../../core/routing/flights.ts";
import { HealthSnapshot } from "../../../core/routing/health-snapshot.ts";
import { Ways } from "../../../core/routing/ways.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import { NOON_MS, uuid } from "../../support/payments.ts";
import { forSeeds, type Random } from "../../support/random.ts";
import { twoTerms } from "../../support/terms.ts";

/** Times of the WATERMARK records in the batch. */
function bounds(batch: RecordBatch): number[] {
  const records = Array.from({ length: batch.count }, (_, record) => record);
  return records
    .filter((record) => batch.kind(record) === Kind.WATERMARK)
    .map((record) => batch.atMs(record) - NOON_MS);
}

describe("bound of the watermarks given out", () => {
  it("is raised in steps of 100 ms, by one record each, before the watermark leaves", () => {
    const bound = new WatermarkBound();
    const batches = new RecordBatches(100);
    for (let ms = 0; ms <= 1000; ms += 7) expect(bound.cover(NOON_MS + ms, batches, true)).to.equal(NOON_MS + ms);
    expect(bounds(batches.current)).to.deep.equal([0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]);
  });

  it("is what the watermark stays at while nothing can be written", () => {
    const bound = new WatermarkBound();
    const batches = new RecordBatches(100);
    bound.startAt(NOON_MS + 50);
    expect(bound.cover(NOON_MS + 70, batches, false)).to.equal(NOON_MS + 50);
    expect(bound.cover(NOON_MS + 30, batches, false)).to.equal(NOON_MS + 30);
    expect(batches.current.count).to.equal(0);
    expect(bound.cover(NOON_MS + 70, batches, true)).to.equal(NOON_MS + 70);
    expect(bound.boundMs).to.equal(NOON_MS + 100);
  });

  it("goes back to what was written when the batch is not", () => {
    const bound = new WatermarkBound();
    const batches = new RecordBatches(100);
    bound.cover(NOON_MS + 10, batches, true);
    batches.nextWritten();
    bound.cover(NOON_MS + 110, batches, true);
    bound.cover(NOON_MS + 210, batches, true);
    bound.revert(batches);
    batches.refused(() => false);
    expect(bound.boundMs).to.equal(NOON_MS + 100);
    bound.revert(batches);
    expect(bound.boundMs).to.equal(NOON_MS + 100);
  });

  it("goes back to what was written before the oldest batch under way when that is refused", () => {
    const bound = new WatermarkBound();
    const batches = new RecordBatches(100);
    bound.cover(NOON_MS + 10, batches, true);
    batches.nextWritten();
    for (const ms of [110, 210]) {
      bound.cover(NOON_MS + ms, batches, true);
      batches.nextHandedOver();
    }
    bound.revert(batches);
    expect(bound.boundMs).to.equal(NOON_MS + 100);
  });

  it("does not go back below what was written while later batches were under way", () => {
    const bound = new WatermarkBound();
    const batches = new RecordBatches(100);
    for (const ms of [10, 110, 210]) {
      bound.cover(NOON_MS + ms, batches, true);
      batches.nextHandedOver();
    }
    batches.oldestWritten();
    bound.revert(batches);
    batches.refused(() => false);
    expect(bound.boundMs).to.equal(NOON_MS + 100);
    bound.cover(NOON_MS + 310, batches, true);
    batches.nextWritten();
    bound.cover(NOON_MS + 410, batches, true);
    bound.revert(batches);
    expect(bound.boundMs).to.equal(NOON_MS + 400);
  });
});

/** An engine whose log survives it, and a wall clock that is set now and then. */
class Lives {
  engine = newEngine();
  /** The latest watermark anybody was told. */
  toldMs = 0;
  readonly #random: Random;
  readonly #log: Uint8Array[] = [];
  #lsn = 0;
  #wallMs = NOON_MS;
  #startMs = NOON_MS;
  #payment = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  step(): void {
    const random = this.#random;
    this.#wallMs += random.below(120);
    if (random.chance(0.5)) this.engine.accept(uuid(this.#payment++), 0, 1, this.nowMs);
    if (random.chance(0.5)) this.#send();
    if (random.chance(0.3)) this.#tell();
    if (random.chance(0.1)) this.#restart();
  }

  get nowMs(): number {
    return Math.max(this.#wallMs, this.#startMs);
  }

  /** No payment is requested in a time that somebody was told is over. */
  #send(): void {
    const flight = this.engine.dispatch(this.nowMs);
    if (flight === NO_FLIGHT) return;
    const requestedAtMs = this.engine.ledger.rows.requestedAtMs(this.engine.flights.slot[flight]!);
    expect(requestedAtMs).to.be.at.least(this.toldMs);
    this.#write();
    this.engine.settle(flight, Outcome.CHARGED, this.nowMs);
  }

  #tell(): void {
    this.#write();
    const isFull = this.#random.chance(0.2);
    const untilMs = this.engine.giveOutWatermark(this.nowMs, true);
    if (isFull) this.engine.revert();
    else this.#write();
    this.toldMs = Math.max(this.toldMs, isFull ? Math.min(untilMs, this.engine.watermarkBoundMs) : untilMs);
  }

  #write(): void {
    const { batch, batches } = this.engine;
    batch.seal(this.#lsn);
    this.#lsn += batch.count;
    this.#log.push(batch.bytes.slice(0, batch.count * 48));
    batches.nextWritten();
  }

  /** What was not written is lost, and the wall clock is set meanwhile, mostly back. */
  #restart(): void {
    this.#wallMs += this.#random.between(-100_000, 1000);
    this.engine = newEngine();
    const replay = new Replay(this.engine.ledger);
    for (const bytes of this.#log) {
      const batch = new RecordBatch(bytes.length / 48);
      batch.bytes.set(bytes);
      batch.refill(batch.capacity);
      expect(replay.feedSegment(batch)).to.deep.equal({ soundCount: batch.capacity });
    }
    expect(replay.latestMs).to.be.at.least(this.toldMs);
    this.#startMs = replay.latestMs;
    this.engine.resume(this.nowMs, replay.latestMs);
  }
}

function newEngine(): Engine {
  return new Engine(Ways.open(new HealthSnapshot(2), twoTerms(16)), {
    partition: 0,
    capacity: 512,
    seed: 1,
    giveUpAfterMs: 3_600_000,
    settleWithinMs: 0,
    answerWithinMs: 2000,
    waitsForSlow: true,
  });
}

describe("watermarks of several lives", () => {
  it("are never overtaken by a later one whose wall clock was set back", () => {
    forSeeds(10, (random) => {
      const lives = new Lives(random);
      for (let step = 0; step < 150; step++) lives.step();
      expect(lives.toldMs).to.be.above(0);
    });
  });
});
