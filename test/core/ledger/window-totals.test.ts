import { expect } from "chai";
import { PaymentRows } from "../../../core/ledger/payment-rows.ts";
import { makeTotals, WindowTotals } from "../../../core/ledger/window-totals.ts";
import { fillProcessed, NaiveTotals } from "../../support/payments.ts";
import { forSeeds, Random } from "../../support/random.ts";
import { DEFAULT, FALLBACK } from "../../support/terms.ts";

/** Where payment i of n stands in time. Each order stresses another way of splitting. */
const ORDERS: Record<string, (i: number, n: number, random: Random) => number> = {
  ascending: (i) => i * 3,
  descending: (i, n) => (n - i) * 3,
  random: (_, n, random) => random.below(n * 2),
  "nearly ascending": (i, _, random) => i * 2 + random.below(300),
  clustered: (_, n, random) => random.below(8) * n * 4 + random.below(40),
  "all in one millisecond": () => 5,
  "two milliseconds in turn": (i) => i % 2,
  "from the middle outwards": (i, n) => n + (i % 2 === 0 ? i : -i),
  "from the outside inwards": (i, n) => (i % 2 === 0 ? i : 2 * n - i),
  "many ascending runs": (i) => (i % 101) * 100_000 + i,
  "many descending runs": (i) => (i % 101) * 100_000 - i,
  "ascending, then descending before it": (i, n) => (i < n / 2 ? n + i : n - i),
  "ascending, then descending behind full nodes": (i) =>
    Math.floor(i / 128) * 100_000 + (i % 128 < 64 ? i % 128 : 50_000 - (i % 128)),
  "descending behind every full node, last run first": (i, n) =>
    i < n / 2 ? i * 1000 : Math.floor((n - i) / 64) * 64_000 + 63_999 - (i % 64),
  "ascending, then before the last": (i, n) => (i % 65 === 64 ? n * 10 + i : i),
};

class Totals {
  readonly naive: NaiveTotals;
  readonly rows: PaymentRows;
  readonly tree: WindowTotals;
  readonly #out: Float64Array;

  constructor(capacity: number, processorCount = 2) {
    this.naive = new NaiveTotals(processorCount);
    this.rows = new PaymentRows(capacity);
    this.tree = new WindowTotals(this.rows, processorCount);
    this.#out = makeTotals(processorCount);
  }

  add(atMs: number, cents: number, processor: number): void {
    const slot = this.naive.charges.length;
    fillProcessed(this.rows, slot, atMs, cents, processor);
    this.tree.add(slot);
    this.naive.add(atMs, cents, processor);
  }

  clear(): void {
    this.tree.clear();
    this.naive.charges.length = 0;
  }

  sum(fromMs: number, toMs: number): number[] {
    this.tree.sum(fromMs, toMs, this.#out);
    return [...this.#out];
  }

  expectWindow(fromMs: number, toMs: number): void {
    expect(this.sum(fromMs, toMs), `from ${fromMs} to ${toMs}`).to.deep.equal(this.naive.sum(fromMs, toMs));
  }

  /** Everything, both halves, and windows between (and just beside) payments there are. */
  expectRandomWindows(random: Random, count: number): void {
    const some = () => random.pick(this.naive.charges).atMs + random.between(-1, 1);
    this.expectWindow(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    for (let i = 0; i < count; i++) {
      const [a, b] = [some(), some()];
      this.expectWindow(Math.min(a, b), Math.max(a, b));
      this.expectWindow(a, a);
      this.expectWindow(Number.NEGATIVE_INFINITY, a);
      this.expectWindow(a, Number.POSITIVE_INFINITY);
    }
  }
}

function fill(totals: Totals, count: number, atMs: (i: number) => number, random: Random): void {
  for (let i = 0; i < count; i++) totals.add(atMs(i), random.between(1, 10_000), random.below(2));
}

/** Payments of the processor in that millisecond whose slot is after the given one. */
function countAfter(totals: Totals, slot: number, atMs: number, processor: number): number {
  const later = totals.naive.charges.slice(slot + 1);
  return later.filter((charge) => charge.atMs === atMs && charge.processor === processor).length;
}

describe("window totals", () => {
  it("count and add up per processor", () => {
    const totals = new Totals(4);
    totals.add(1000, 1990, DEFAULT);
    totals.add(2000, 10, DEFAULT);
    totals.add(3000, 5, FALLBACK);
    expect(totals.sum(1000, 3000)).to.deep.equal([2, 2000, 1, 5]);
    expect(totals.sum(1500, 2500)).to.deep.equal([1, 10, 0, 0]);
  });

  it("are zero while nothing was processed, whatever was in the place of the result", () => {
    const out = makeTotals(2).fill(9);
    new WindowTotals(new PaymentRows(1), 2).sum(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, out);
    expect([...out]).to.deep.equal([0, 0, 0, 0]);
  });

  it("include both ends of the window, to the millisecond", () => {
    const totals = new Totals(3);
    for (const atMs of [1000, 2000, 3000]) totals.add(atMs, 1, DEFAULT);
    const counts = (fromMs: number, toMs: number) => totals.sum(fromMs, toMs)[0];
    expect(counts(1000, 3000)).to.equal(3);
    expect(counts(1001, 3000)).to.equal(2);
    expect(counts(1000, 2999)).to.equal(2);
    expect(counts(2000, 2000)).to.equal(1);
    expect(counts(2001, 2999)).to.equal(0);
    expect(counts(0, 999)).to.equal(0);
    expect(counts(3001, 9999)).to.equal(0);
  });

  it("are zero for a window that ends before it begins", () => {
    const totals = new Totals(2);
    totals.add(1000, 1, DEFAULT);
    totals.add(2000, 1, FALLBACK);
    expect(totals.sum(2000, 1000)).to.deep.equal([0, 0, 0, 0]);
    expect(totals.sum(1001, 1000)).to.deep.equal([0, 0, 0, 0]);
  });

  it("take an open end for everything on that side", () => {
    const totals = new Totals(500);
    const random = new Random(1);
    fill(totals, 500, (i) => i, random);
    totals.expectWindow(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    totals.expectWindow(Number.NEGATIVE_INFINITY, 250);
    totals.expectWindow(250, Number.POSITIVE_INFINITY);
  });

  it("are cut exactly between payments of one millisecond and the next, over many nodes of either", () => {
    const totals = new Totals(3000);
    const random = new Random(2);
    fill(totals, 3000, (i) => 100 + (i % 3), random);
    for (let fromMs = 99; fromMs <= 103; fromMs++) {
      for (let toMs = 99; toMs <= 103; toMs++) totals.expectWindow(fromMs, toMs);
    }
  });

  it("have room for every capacity up to 400, in every order", () => {
    const random = new Random(3);
    for (const order of Object.values(ORDERS)) {
      for (let capacity = 1; capacity <= 400; capacity += capacity < 140 ? 1 : 13) {
        const totals = new Totals(capacity);
        fill(totals, capacity, (i) => order(i, capacity, random), random);
        totals.expectRandomWindows(random, 1);
      }
    }
  });

  for (const [name, order] of Object.entries(ORDERS)) {
    it(`are right at full capacity with nodes split on every level: ${name}`, () => {
      forSeeds(1, (random) => {
        const capacity = 70_000;
        const totals = new Totals(capacity);
        fill(totals, capacity, (i) => order(i, capacity, random), random);
        totals.expectRandomWindows(random, 8);
        expect(totals.tree.usedBytes / capacity).to.be.below(9.5);
      });
    });
  }

  it("fill their nodes when payments come in order", () => {
    const totals = new Totals(70_000);
    fill(totals, 70_000, (i) => i, new Random(4));
    expect(totals.tree.usedBytes / 70_000).to.be.below(4.7);
  });

  it("agree with adding up one by one while they grow, in any mixture of orders", () => {
    forSeeds(12, (random) => {
      const capacity = random.between(1, 9000);
      const orders = Object.values(ORDERS);
      const processorCount = random.pick([1, 2, 3, 16]);
      const totals = new Totals(capacity, processorCount);
      let order = random.pick(orders);
      for (let i = 0; i < capacity; i++) {
        if (random.chance(0.002)) order = random.pick(orders);
        totals.add(order(i, capacity, random), random.between(1, 100_000_000), random.below(processorCount));
        if (random.chance(0.004)) totals.expectRandomWindows(random, 2);
      }
      totals.expectRandomWindows(random, 20);
    });
  });

  it("are empty after being cleared, and right when filled again", () => {
    const totals = new Totals(5000);
    const random = new Random(6);
    for (const order of Object.values(ORDERS)) {
      fill(totals, 5000, (i) => order(i, 5000, random), random);
      totals.expectRandomWindows(random, 3);
      totals.clear();
      expect(totals.sum(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)).to.deep.equal([0, 0, 0, 0]);
      expect(totals.tree.usedBytes).to.equal(0);
    }
  });

  it("are as if it had never been added when a payment is taken out, and throw for one that is not in", () => {
    const totals = new Totals(300);
    const random = new Random(7);
    fill(totals, 300, (i) => i % 7, random);
    const all = totals.sum(0, 6);
    for (let slot = 0; slot < 300; slot++) {
      const { atMs, cents, processor } = totals.naive.charges[slot]!;
      totals.tree.remove(slot);
      expect(() => totals.tree.remove(slot)).to.throw(`only what was added is removed: slot=${slot}`);
      all[processor * 2]!--;
      all[processor * 2 + 1]! -= cents;
      expect(totals.sum(atMs, atMs)[processor * 2]).to.equal(countAfter(totals, slot, atMs, processor));
      expect(totals.sum(0, 6)).to.deep.equal(all);
    }
    expect(totals.tree.usedBytes).to.equal(0);
  });

  it("have room for every payment, whatever was taken out before and wherever the next are put in", () => {
    const capacity = 6000;
    const rows = new PaymentRows(capacity);
    const tree = new WindowTotals(rows, 2);
    const free = Array.from({ length: capacity }, (_, slot) => slot);
    const add = (atMs: number) => {
      const slot = free.pop()!;
      fillProcessed(rows, slot, atMs, 1, DEFAULT);
      tree.add(slot);
      return slot;
    };
    // Full nodes, of which every other is then left with one payment, so that it does not fit a neighbour …
    const fullMs: number[] = [];
    for (let atMs = 0; free.length > capacity / 50 + 128; atMs += 12_800) {
      const thinned = Array.from({ length: 64 }, (_, i) => add(atMs + i * 100));
      for (let i = 64; i < 128; i++) add(atMs + i * 100);
      for (const slot of thinned.slice(1)) {
        tree.remove(slot);
        free.push(slot);
      }
      fullMs.push(atMs + 9650);
    }
    // … and then every full one is split.
    for (const atMs of fullMs) add(atMs);
    while (free.length > 0) add(fullMs[free.length % fullMs.length]!);
    const out = makeTotals(2);
    tree.sum(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, out);
    expect([...out]).to.deep.equal([capacity, capacity, 0, 0]);
  });

  it("stay exact up to 2^53", () => {
    const count = 2 ** 21;
    const cents = 2 ** 32 - 1;
    const rows = new PaymentRows(count);
    const tree = new WindowTotals(rows, 2);
    const out = makeTotals(2);
    for (let slot = 0; slot < count; slot++) {
      fillProcessed(rows, slot, slot >> 3, slot === 0 ? cents - 1 : cents, FALLBACK);
      tree.add(slot);
    }
    const total = BigInt(count) * BigInt(cents) - 1n;
    expect(total <= BigInt(Number.MAX_SAFE_INTEGER)).to.equal(true);
    tree.sum(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, out);
    expect([...out]).to.deep.equal([0, 0, count, Number(total)]);
    tree.sum(1, Number.POSITIVE_INFINITY, out);
    expect([...out]).to.deep.equal([0, 0, count - 8, Number(total) - 8 * cents + 1]);
    tree.sum(count >> 4, count >> 4, out);
    expect([...out]).to.deep.equal([0, 0, 8, 8 * cents]);
  });
});
