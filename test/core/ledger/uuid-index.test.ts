import { expect } from "chai";
import { NOT_FOUND_SLOT, UuidIndex } from "../../../core/ledger/uuid-index.ts";
import { fmix32, hashUuid } from "../../../core/values/hash.ts";
import { UUID_WORDS } from "../../../core/values/uuid.ts";
import { forSeeds, Random } from "../../support/random.ts";

/** A column of ids and the index over it. */
class Column {
  readonly ids: Int32Array;
  readonly index: UuidIndex;

  constructor(capacity: number, seed: number) {
    this.ids = new Int32Array(capacity * UUID_WORDS);
    this.index = new UuidIndex(this.ids, seed);
  }

  put(slot: number, id: Int32Array): void {
    this.ids.set(id, slot * UUID_WORDS);
    this.index.insert(slot);
  }
}

/** Different UUIDs with one and the same 32-bit hash: the last word undoes what the others did. */
function collidingUuids(seed: number, count: number): Int32Array[] {
  return Array.from({ length: count }, (_, i) => {
    const inner = fmix32(fmix32(fmix32(seed ^ i) ^ (i * 7)) ^ (i * 31));
    return Int32Array.of(i, i * 7, i * 31, inner ^ 0x5eed);
  });
}

/** Random UUIDs whose search begins at the last place of an index with `places` places. */
function uuidsAtLastPlace(random: Random, seed: number, places: number, count: number): Int32Array[] {
  const found: Int32Array[] = [];
  while (found.length < count) {
    const id = random.uuid();
    if ((hashUuid(seed, id[0]!, id[1]!, id[2]!, id[3]!) & (places - 1)) === places - 1) found.push(id);
  }
  return found;
}

function expectAllFound(index: UuidIndex, ids: readonly Int32Array[]): void {
  expect(ids.map((id) => index.find(id))).to.deep.equal(ids.map((_, slot) => slot));
}

describe("uuid index", () => {
  it("finds the slot of a UUID and no other", () => {
    const column = new Column(8, 1);
    column.put(5, Int32Array.of(1, 2, 3, 4));
    expect(column.index.find(Int32Array.of(1, 2, 3, 4))).to.equal(5);
    expect(column.index.find(Int32Array.of(9, 9, 1, 2, 3, 4), 2)).to.equal(5);
    expect(column.index.find(Int32Array.of(1, 2, 3, 5))).to.equal(NOT_FOUND_SLOT);
    expect(column.index.size).to.equal(1);
  });

  it("finds nothing while empty, not even the nil UUID its column is full of", () => {
    expect(new Column(4, 1).index.find(new Int32Array(4))).to.equal(NOT_FOUND_SLOT);
  });

  it("takes the nil and the max UUID like any other", () => {
    const column = new Column(2, 3);
    const ids = [Int32Array.of(0, 0, 0, 0), Int32Array.of(-1, -1, -1, -1)];
    ids.forEach((id, slot) => {
      column.put(slot, id);
    });
    expectAllFound(column.index, ids);
  });

  it("tells apart UUIDs that differ in one bit only", () => {
    const column = new Column(129, 77);
    const base = Int32Array.of(0x4a7901b8, 0x7d264d9d, 0xaa194dc1, 0xc7cf60b3);
    const ids = Array.from({ length: 129 }, (_, bit) => {
      const id = base.slice();
      if (bit < 128) id[bit >> 5]! ^= 1 << (bit & 31);
      return id;
    });
    ids.forEach((id, slot) => {
      if (slot % 2 === 0) column.put(slot, id);
    });
    ids.forEach((id, slot) => {
      expect(column.index.find(id)).to.equal(slot % 2 === 0 ? slot : NOT_FOUND_SLOT);
    });
  });

  it("keeps every UUID apart when all have the same hash", () => {
    const seed = 0x1234567;
    const ids = collidingUuids(seed, 200);
    expect(new Set(ids.map((id) => hashUuid(seed, id[0]!, id[1]!, id[2]!, id[3]!))).size).to.equal(1);
    const column = new Column(199, seed);
    for (let slot = 0; slot < 199; slot++) column.put(slot, ids[slot]!);
    expectAllFound(column.index, ids.slice(0, 199));
    expect(column.index.find(ids[199]!)).to.equal(NOT_FOUND_SLOT);
  });

  it("goes on from the first place when the last ones are taken", () => {
    const seed = 42;
    const ids = uuidsAtLastPlace(new Random(1), seed, 16, 13);
    const column = new Column(12, seed);
    expect(column.index.byteLength).to.equal(16 * 4);
    for (let slot = 0; slot < 12; slot++) column.put(slot, ids[slot]!);
    expectAllFound(column.index, ids.slice(0, 12));
    expect(column.index.find(ids[12]!)).to.equal(NOT_FOUND_SLOT);
  });

  it("is at most three quarters full at any capacity, so that a search for nothing ends", () => {
    for (let capacity = 1; capacity <= 130; capacity++) {
      const column = new Column(capacity, capacity);
      expect(capacity / (column.index.byteLength / 4)).to.be.at.most(0.75);
      const random = new Random(capacity);
      const ids = Array.from({ length: capacity }, () => random.uuid());
      ids.forEach((id, slot) => {
        column.put(slot, id);
      });
      expectAllFound(column.index, ids);
      for (let i = 0; i < 20; i++) expect(column.index.find(random.uuid())).to.equal(NOT_FOUND_SLOT);
    }
  });

  it("forgets everything when cleared, and can be filled again", () => {
    const random = new Random(5);
    const column = new Column(100, 6);
    const first = Array.from({ length: 100 }, () => random.uuid());
    const second = Array.from({ length: 100 }, () => random.uuid());
    first.forEach((id, slot) => {
      column.put(slot, id);
    });
    column.index.clear();
    expect(column.index.size).to.equal(0);
    for (const id of first) expect(column.index.find(id)).to.equal(NOT_FOUND_SLOT);
    second.forEach((id, slot) => {
      column.put(slot, id);
    });
    expectAllFound(column.index, second);
    for (const id of first) expect(column.index.find(id)).to.equal(NOT_FOUND_SLOT);
  });

  it("finds every other UUID after one was taken out of a run, wherever in the run it stood", () => {
    const seed = 42;
    const atEnd = uuidsAtLastPlace(new Random(2), seed, 16, 6);
    const random = new Random(3);
    const others = Array.from({ length: 6 }, () => random.uuid());
    for (let removed = 0; removed < 12; removed++) {
      const column = new Column(12, seed);
      const ids = [...atEnd, ...others];
      ids.forEach((id, slot) => {
        column.put(slot, id);
      });
      column.index.remove(removed);
      ids.forEach((id, slot) => {
        expect(column.index.find(id)).to.equal(slot === removed ? NOT_FOUND_SLOT : slot);
      });
      expect(column.index.size).to.equal(11);
      column.index.insert(removed);
      expectAllFound(column.index, ids);
    }
  });

  it("throws when a slot is taken out that is not in it", () => {
    const column = new Column(4, 1);
    column.put(0, Int32Array.of(1, 2, 3, 4));
    expect(() => column.index.remove(1)).to.throw("only what is in the index is removed: slot=1");
    column.index.remove(0);
    expect(() => column.index.remove(0)).to.throw("only what is in the index is removed: slot=0");
  });

  it("spreads the same UUIDs otherwise under another seed", () => {
    const random = new Random(9);
    const homes = Array.from({ length: 64 }, () => random.uuid()).map((id) =>
      [1, 2].map((seed) => hashUuid(seed, id[0]!, id[1]!, id[2]!, id[3]!)),
    );
    expect(homes.filter(([one, two]) => one === two)).to.deep.equal([]);
  });

  it("agrees with a map for random insertions, removals, searches and clearings", () => {
    forSeeds(30, (random) => {
      const capacity = random.between(1, 200);
      const column = new Column(capacity, random.bits());
      const model = new Map<string, number>();
      const free = Array.from({ length: capacity }, (_, slot) => slot);
      // Few different ids, so that searches hit and misses look alike.
      const someId = () => Int32Array.of(random.below(3), 0, random.below(4) << 20, random.below(capacity));
      for (let step = 0, filling = 0.5; step < 3000; step++) {
        if (step % 300 === 0) filling = random.pick([0.2, 0.5, 1]);
        const id = someId();
        const key = id.join();
        const slot = model.get(key);
        expect(column.index.find(id)).to.equal(slot ?? NOT_FOUND_SLOT);
        if (slot === undefined && free.length > 0 && random.chance(filling)) {
          model.set(key, free.pop()!);
          column.put(model.get(key)!, id);
        } else if (slot !== undefined && random.chance(1 - filling)) {
          column.index.remove(slot);
          model.delete(key);
          free.push(slot);
        }
        expect(column.index.size).to.equal(model.size);
        if (random.chance(0.001)) {
          column.index.clear();
          free.push(...model.values());
          model.clear();
        }
      }
      for (const [key, slot] of model)
        expect(column.index.find(Int32Array.from(key.split(","), Number))).to.equal(slot);
    });
  });
});
