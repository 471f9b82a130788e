import { expect } from "chai";
import type { RecordBatch } from "../../../core/log/record.ts";
import { RecordBatches } from "../../../core/log/record-batches.ts";
import * as Kind from "../../../core/log/record-kind.ts";
import { forSeeds } from "../../support/random.ts";

function append(batches: RecordBatches, sequence: number, kind: number = Kind.SENDING): void {
  batches.current.append(kind, sequence, 0, 0, 0, 0);
}

function sequencesOf(batch: RecordBatch): number[] {
  return Array.from({ length: batch.count }, (_, record) => batch.sequence(record));
}

function all(batches: RecordBatches): number[][] {
  const found: number[][] = [];
  batches.each((batch) => found.push(sequencesOf(batch)));
  return found;
}

describe("record batches", () => {
  it("use one batch again and again for a log that answers at once", () => {
    const batches = new RecordBatches(4);
    const { current } = batches;
    append(batches, 1);
    expect(batches.next).to.equal(current);
    batches.nextWritten();
    expect([batches.current === current, current.count, batches.underWayCount]).to.deep.equal([true, 0, 0]);
  });

  it("fill another while one is under way, and use that again afterwards", () => {
    const batches = new RecordBatches(4);
    const first = batches.current;
    append(batches, 1);
    batches.nextHandedOver();
    append(batches, 2);
    expect([all(batches), batches.underWayCount]).to.deep.equal([[[1], [2]], 1]);
    batches.oldestWritten();
    batches.nextHandedOver();
    expect(batches.current).to.equal(first);
    expect(all(batches)).to.deep.equal([[2]]);
  });

  /** Hands over ten batches with so many records each, has them all written, and counts those that are used again. */
  function usedAgain(batches: RecordBatches, recordCount: number, end = () => batches.oldestWritten()): number {
    const used = new Set<RecordBatch>();
    for (let n = 0; n < 10; n++) {
      used.add(batches.current);
      for (let record = 0; record < recordCount; record++) append(batches, n);
      batches.nextHandedOver();
    }
    for (let n = 0; n < 10; n++) end();
    const again = new Set<RecordBatch>();
    for (let n = 0; n < 10; n++) {
      batches.nextHandedOver();
      if (used.has(batches.current)) again.add(batches.current);
    }
    return again.size;
  }

  it("give back the memory of a time in which many were full", () => {
    expect(usedAgain(new RecordBatches(1024), 1024)).to.equal(2);
    expect(usedAgain(new RecordBatches(1024), 257)).to.equal(2);
  });

  it("use those again that were hardly filled, as many as a slow log has under way", () => {
    expect(usedAgain(new RecordBatches(1024), 256)).to.equal(8);
    expect(usedAgain(new RecordBatches(1024), 1)).to.equal(8);
  });

  it("take those for full that were refused", () => {
    const batches = new RecordBatches(1024);
    expect(usedAgain(batches, 1, () => batches.refused(() => false))).to.equal(2);
  });

  it("keep of what was refused what has happened, oldest first, before anything new", () => {
    const batches = new RecordBatches(8);
    for (let turn = 0; turn < 3; turn++) {
      append(batches, turn * 10, Kind.ACCEPTED);
      append(batches, turn * 10 + 1, Kind.PROCESSED);
      if (turn < 2) batches.nextHandedOver();
    }
    batches.refused((batch, record) => batch.kind(record) === Kind.PROCESSED);
    append(batches, 30);
    expect(all(batches)).to.deep.equal([[1], [11], [21, 30]]);
    expect(sequencesOf(batches.next)).to.deep.equal([1]);
    batches.nextWritten();
    batches.nextHandedOver();
    expect([all(batches), batches.underWayCount]).to.deep.equal([[[11], [21, 30]], 1]);
  });

  it("tell the first payment whose acceptance is not written", () => {
    const batches = new RecordBatches(8);
    expect(batches.unwrittenFrom(7)).to.equal(7);
    append(batches, 3, Kind.PROCESSED);
    append(batches, 7, Kind.ACCEPTED);
    batches.nextHandedOver();
    append(batches, 8, Kind.ACCEPTED);
    expect(batches.unwrittenFrom(9)).to.equal(7);
    batches.oldestWritten();
    expect(batches.unwrittenFrom(9)).to.equal(8);
  });

  it("agree with lists for random use", () => {
    forSeeds(20, (random) => {
      const batches = new RecordBatches(64);
      let underWay: number[][] = [];
      let owed: number[][] = [];
      let current: number[] = [];
      for (let step = 0; step < 400; step++) {
        const chance = random.below(5);
        if (chance < 2 && current.length < 60) {
          append(batches, step);
          current.push(step);
        } else if (chance === 2) {
          const next = owed.shift();
          if (next) underWay.push(next);
          else underWay.push(current.splice(0));
          batches.nextHandedOver();
        } else if (chance === 3 && underWay.length > 0) {
          underWay.shift();
          batches.oldestWritten();
        } else if (random.chance(0.2)) {
          const keep = (sequence: number): boolean => sequence % 3 === 0;
          batches.refused((batch, record) => keep(batch.sequence(record)));
          owed = [...underWay, ...owed].map((list) => list.filter(keep)).filter((list) => list.length > 0);
          underWay = [];
          current = current.filter(keep);
        }
        const model = [...underWay, ...owed, ...(current.length > 0 ? [current] : [])];
        expect(all(batches)).to.deep.equal(model);
        expect(batches.underWayCount).to.equal(underWay.length);
      }
    });
  });
});
