import { expect } from "chai";
import { Ledger } from "../../../core/ledger/ledger.ts";
import { PaymentRows } from "../../../core/ledger/payment-rows.ts";
import { NOT_FOUND_SLOT, UuidIndex } from "../../../core/ledger/uuid-index.ts";
import { makeTotals, WindowTotals } from "../../../core/ledger/window-totals.ts";
import { RecordBatch } from "../../../core/log/record.ts";
import * as Kind from "../../../core/log/record-kind.ts";
import { NO_PROCESSOR } from "../../../core/values/processor.ts";
import { fillProcessed, NOON_MS, uuid } from "../../support/payments.ts";
import { forSeeds, type Random } from "../../support/random.ts";
import { DEFAULT } from "../../support/terms.ts";

type Kept = { slot: number; atMs: number; cents: number; processor: number };

function itForSeeds(title: string, count: number, body: (random: Random) => void): void {
  it(title, () => forSeeds(count, body));
}

/** A full tree's worth of payments comes and goes; slots are used again. */
function churn(random: Random, capacity: number, steps: number, timeOf: (step: number) => number): void {
  const processorCount = random.pick([1, 2, 3, 16]);
  const rows = new PaymentRows(capacity);
  const tree = new WindowTotals(rows, processorCount);
  const free = Array.from({ length: capacity }, (_, slot) => slot);
  const kept: Kept[] = [];
  const out = makeTotals(processorCount);
  for (let step = 0; step < steps; step++) {
    const grows = kept.length === 0 || (free.length > 0 && random.chance(step % 2000 < 1000 ? 0.9 : 0.1));
    if (grows) {
      const added = {
        slot: free.pop()!,
        atMs: timeOf(step),
        cents: 1 + random.below(1e8),
        processor: random.below(processorCount),
      };
      fillProcessed(rows, added.slot, added.atMs, added.cents, added.processor);
      tree.add(added.slot);
      kept.push(added);
    } else {
      const [gone] = kept.splice(random.chance(0.7) ? 0 : random.below(kept.length), 1);
      tree.remove(gone!.slot);
      free.push(gone!.slot);
    }
    if (step % 97 !== 0) continue;
    const ends = [timeOf(random.below(steps)), timeOf(random.below(steps))].sort((a, b) => a - b);
    tree.sum(ends[0]!, ends[1]!, out);
    const expected = new Array<number>(processorCount * 2).fill(0);
    for (const { atMs, cents, processor } of kept) {
      if (atMs < ends[0]! || atMs > ends[1]!) continue;
      expected[processor * 2]!++;
      expected[processor * 2 + 1]! += cents;
    }
    expect([...out]).to.deep.equal(expected);
  }
}

describe("removing from the window totals", () => {
  itForSeeds("keeps every window exact, in order of time", 4, (random) =>
    churn(random, 3000, 20_000, (step) => step * 3),
  );
  itForSeeds("keeps every window exact, in any order", 4, (random) =>
    churn(random, 3000, 20_000, (step) => (step * 7919) % 5000),
  );
  itForSeeds("keeps every window exact with many payments a millisecond", 2, (random) => {
    churn(random, 3000, 20_000, (step) => step % 3);
  });
});

describe("removing from the index", () => {
  itForSeeds("leaves everything else to be found", 8, (random) => {
    const ids = new Int32Array(512 * 4);
    const index = new UuidIndex(ids, random.bits() | 0);
    const present = new Set<number>();
    for (let step = 0; step < 5000; step++) {
      const slot = random.below(512);
      ids.set(uuid(slot), slot * 4);
      if (present.delete(slot)) index.remove(slot);
      else {
        index.insert(slot);
        present.add(slot);
      }
      const asked = random.below(512);
      expect(index.find(uuid(asked))).to.equal(present.has(asked) ? asked : NOT_FOUND_SLOT);
    }
    expect(index.size).to.equal(present.size);
  });
});

describe("evicting from the ledger", () => {
  it("makes room, and forgets the payment in every way", () => {
    const ledger = new Ledger(2, 1, 2);
    const batch = new RecordBatch(64);
    for (let sequence = 0; sequence < 5; sequence++) {
      ledger.apply(batch, batch.appendAccepted(sequence, NOON_MS + sequence, uuid(sequence), 0, 100));
      ledger.apply(batch, batch.append(Kind.SENDING, sequence, NOON_MS + sequence, DEFAULT, 0, 0));
      ledger.apply(batch, batch.append(Kind.PROCESSED, sequence, NOON_MS + sequence, DEFAULT, 1, 0));
      if (sequence > 0) ledger.apply(batch, batch.append(Kind.EVICTED, sequence, NOON_MS, NO_PROCESSOR, 0, 0));
    }
    const out = makeTotals(2);
    ledger.sum(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, out);
    expect([...out]).to.deep.equal([1, 100, 0, 0]);
    expect(ledger.size).to.equal(1);
    expect(ledger.find(uuid(3))).to.equal(NOT_FOUND_SLOT);
    expect(ledger.find(uuid(4))).to.equal(ledger.slotOf(4));
  });

  it("refuses to evict a payment that has not ended", () => {
    const ledger = new Ledger(2, 1, 2);
    const batch = new RecordBatch(4);
    ledger.apply(batch, batch.appendAccepted(0, NOON_MS, uuid(0), 0, 100));
    const evict = () => ledger.apply(batch, batch.append(Kind.EVICTED, 1, NOON_MS, NO_PROCESSOR, 0, 0));
    expect(evict).to.throw("records follow the life of a payment");
  });
});
