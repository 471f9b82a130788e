import { expect } from "chai";
import fc from "fast-check";
import { RECORD_BYTES, RecordBatch } from "../../../core/log/record.ts";
import * as Kind from "../../../core/log/record-kind.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import { NOON_MS, uuid } from "../../support/payments.ts";
import { forAll } from "../../support/random.ts";
import { FALLBACK } from "../../support/terms.ts";

type Entry = {
  kind: number;
  sequence: number;
  atMs: number;
  processor: number;
  outcome: number;
  elapsedMs: number;
  id: Int32Array;
  cents: number;
};

const entries: fc.Arbitrary<Entry> = fc.record({
  kind: fc.integer({ min: Kind.ACCEPTED, max: Kind.PURGED }),
  sequence: fc.integer({ min: 0, max: 2 ** 40 - 1 }),
  atMs: fc.integer({ min: 0, max: 2 ** 48 }),
  processor: fc.integer({ min: 0, max: 255 }),
  outcome: fc.integer({ min: 0, max: 255 }),
  elapsedMs: fc.integer({ min: 0, max: 2 ** 33 }),
  id: fc.int32Array({ minLength: 4, maxLength: 4 }),
  cents: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
});

function append(batch: RecordBatch, entry: Entry): number {
  return entry.kind === Kind.ACCEPTED
    ? batch.appendAccepted(entry.sequence, entry.atMs, entry.id, 0, entry.cents)
    : batch.append(entry.kind, entry.sequence, entry.atMs, entry.processor, entry.outcome, entry.elapsedMs);
}

function expectEntry(batch: RecordBatch, record: number, entry: Entry): void {
  const isAccepted = entry.kind === Kind.ACCEPTED;
  const id = new Int32Array(4);
  batch.copyId(record, id, 0);
  expect(batch.kind(record)).to.equal(entry.kind);
  expect(batch.sequence(record)).to.equal(entry.sequence);
  expect(batch.atMs(record)).to.equal(entry.atMs);
  expect(batch.processor(record)).to.equal(isAccepted ? 0 : entry.processor);
  expect(batch.outcome(record)).to.equal(isAccepted ? 0 : entry.outcome);
  expect(batch.elapsedMs(record)).to.equal(isAccepted ? 0 : Math.min(entry.elapsedMs, 2 ** 32 - 1));
  expect(batch.cents(record)).to.equal(isAccepted ? entry.cents : 0);
  expect([...id]).to.deep.equal(isAccepted ? [...entry.id] : [0, 0, 0, 0]);
}

describe("record batch", () => {
  it("lays an acceptance out as documented, little-endian", () => {
    const batch = new RecordBatch(2);
    batch.append(Kind.PURGED, 0, 0, 0xff, Outcome.NONE, 0);
    expect(batch.appendAccepted(7, 1.5, Int32Array.of(0, 0x04030201, 2, 3, -1), 1, 0x0a0b0c0d)).to.equal(1);
    // biome-ignore format: one line a field
    expect([...batch.bytes.subarray(RECORD_BYTES)]).to.deep.equal([
      0, 0, 0, 0,
      Kind.ACCEPTED, 0, 0, 0,
      0, 0, 0, 0, 0, 0, 0x1c, 0x40,
      0, 0, 0, 0, 0, 0, 0xf8, 0x3f,
      1, 2, 3, 4, 2, 0, 0, 0, 3, 0, 0, 0, 255, 255, 255, 255,
      0x0d, 0x0c, 0x0b, 0x0a,
      0, 0, 0, 0,
    ]);
  });

  it("lays every other record out as documented", () => {
    const batch = new RecordBatch(1);
    batch.append(Kind.PROCESSED, 7, 1.5, FALLBACK, Outcome.CHARGED, 0x0a0b0c0d);
    // biome-ignore format: one line a field
    expect([...batch.bytes]).to.deep.equal([
      0, 0, 0, 0,
      Kind.PROCESSED, FALLBACK, Outcome.CHARGED, 0,
      0, 0, 0, 0, 0, 0, 0x1c, 0x40,
      0, 0, 0, 0, 0, 0, 0xf8, 0x3f,
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      0, 0, 0, 0,
      0x0d, 0x0c, 0x0b, 0x0a,
    ]);
  });

  it("gives back what was appended, from its bytes alone", () => {
    forAll(fc.array(entries, { minLength: 1, maxLength: 20 }), (list) => {
      const batch = new RecordBatch(list.length);
      list.forEach((entry, i) => {
        expect(append(batch, entry)).to.equal(i);
      });
      expect(batch.count).to.equal(list.length);
      const copy = new RecordBatch(list.length);
      copy.bytes.set(batch.bytes);
      list.forEach((entry, i) => {
        expectEntry(batch, i, entry);
        expectEntry(copy, i, entry);
      });
    });
  });

  it("leaves nothing of earlier records behind when used again", () => {
    const batch = new RecordBatch(1);
    forAll(fc.array(entries, { minLength: 2, maxLength: 5 }), (list) => {
      for (const entry of list) {
        batch.clear();
        expect(append(batch, entry)).to.equal(0);
        expectEntry(batch, 0, entry);
      }
    });
  });

  it("throws rather than overflow, and stays as it was", () => {
    const batch = new RecordBatch(1);
    batch.appendAccepted(3, NOON_MS, uuid(1), 0, 5);
    expect(() => batch.append(Kind.SENDING, 3, NOON_MS, 0, 0, 0)).to.throw(
      "a record batch never overflows: capacity=1",
    );
    expect([batch.count, batch.kind(0)]).to.deep.equal([1, Kind.ACCEPTED]);
  });

  it("says when it is half full", () => {
    const batch = new RecordBatch(4);
    const seen = [];
    for (let i = 0; i < 4; i++) {
      seen.push(batch.isHalfFull);
      batch.append(Kind.PURGED, i, 0, 0, 0, 0);
    }
    expect([...seen, batch.isHalfFull]).to.deep.equal([false, false, true, true, true]);
  });

  it("keeps only the records named, in their order, and goes on behind them", () => {
    forAll(fc.array(fc.tuple(entries, fc.boolean()), { minLength: 1, maxLength: 12 }), (list) => {
      const batch = new RecordBatch(list.length);
      for (const [entry] of list) append(batch, entry);
      batch.retain((record) => list[record]![1]);
      const kept = list.filter(([, isKept]) => isKept).map(([entry]) => entry);
      expect(batch.count).to.equal(kept.length);
      if (kept.length < list.length) kept.push(list[0]![0]);
      if (kept.length > batch.count) append(batch, list[0]![0]);
      kept.forEach((entry, record) => {
        expectEntry(batch, record, entry);
      });
    });
  });

  it("finds any flipped bit of a sealed record, and a sound record at the wrong place", () => {
    const batch = new RecordBatch(2);
    batch.append(Kind.PURGED, 1, 2, 3, 4, 5);
    batch.appendAccepted(7, NOON_MS, uuid(1), 0, 1990);
    for (const lsn of [0, 2 ** 31, 2 ** 32 - 2, 2 ** 45]) {
      batch.seal(lsn);
      expect([batch.isSound(0, lsn), batch.isSound(1, lsn + 1)]).to.deep.equal([true, true]);
      expect([batch.isSound(0, lsn + 1), batch.isSound(1, lsn)]).to.deep.equal([false, false]);
    }
    for (let bit = 0; bit < RECORD_BYTES * 8; bit++) {
      batch.bytes[RECORD_BYTES + (bit >> 3)]! ^= 1 << (bit & 7);
      expect(batch.isSound(1, 2 ** 45 + 1), `bit ${bit}`).to.equal(false);
      batch.bytes[RECORD_BYTES + (bit >> 3)]! ^= 1 << (bit & 7);
    }
    expect(batch.isSound(1, 2 ** 45 + 1)).to.equal(true);
  });

  it("does not take a place that was never written for a sound record", () => {
    const batch = new RecordBatch(3);
    batch.append(Kind.PURGED, 1, 2, 3, 4, 5);
    batch.refill(3);
    expect([0, 1, 2].map((record) => batch.isZero(record))).to.deep.equal([false, true, true]);
    for (let lsn = 0; lsn < 10_000; lsn++) expect(batch.isSound(1, lsn)).to.equal(false);
    batch.bytes[RECORD_BYTES * 2 - 1] = 1;
    expect([1, 2].map((record) => batch.isZero(record))).to.deep.equal([false, true]);
  });
});
