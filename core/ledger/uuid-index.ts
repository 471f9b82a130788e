import { hashUuid } from "../values/hash.ts";
import type { Slot } from "../values/number-types.ts";
import { UUID_WORDS } from "../values/uuid.ts";

export const NOT_FOUND_SLOT = -1;

const TAG_SHIFT = 27;
/** Slots are below 2^26: see MAX_CAPACITY in ledger.ts. */
const SLOT_MASK = 2 ** TAG_SHIFT - 1;

/**
 * Finds the slot of a UUID: open addressing with linear probing over a preallocated Int32Array (Knuth, TAOCP 6.4,
 * algorithm L). The UUIDs themselves stay in the ledger's column; a place holds slot + 1 and five bits of the hash, 0
 * is empty.
 *
 *   places   [ 0 | 7 | 0 | 3 | 12 | 0 | … ]      power of two, at most ¾ full
 *                  └─ slot 6: words 24 … 27 of `ids`
 *
 *   place    31   27 26              0           The bits of the hash tell 31 of 32 strangers apart without a
 *           ┌───────┬─────────────────┐          look at their UUIDs, each of which would be a wait for memory
 *           │ tag   │ slot + 1        │          once the column has outgrown the caches.
 *           └───────┴─────────────────┘
 *
 * Untouched places cost no memory: the operating system commits pages on the first write.
 */
export class UuidIndex {
  readonly #ids: Int32Array;
  readonly #seed: number;
  readonly #places: Int32Array;
  readonly #mask: number;
  #size = 0;

  /** `ids` is the column of UUIDs, four words a slot; `seed` any 32-bit number that outsiders do not know. */
  constructor(ids: Int32Array, seed: number) {
    const capacity = ids.length / UUID_WORDS;
    if (capacity > SLOT_MASK) throw new RangeError(`an index holds at most ${SLOT_MASK} slots: capacity=${capacity}`);
    const places = 2 ** Math.ceil(Math.log2(Math.max(2, capacity / 0.75)));
    this.#ids = ids;
    this.#seed = seed;
    this.#places = new Int32Array(places);
    this.#mask = places - 1;
  }

  get size(): number {
    return this.#size;
  }

  get byteLength(): number {
    return this.#places.byteLength;
  }

  /** Slot of the UUID in words[at … at+3], or NOT_FOUND_SLOT. Hot: no allocation. */
  find(words: ArrayLike<number>, at = 0): number {
    const a = words[at]!;
    const b = words[at + 1]!;
    const c = words[at + 2]!;
    const d = words[at + 3]!;
    const hash = hashUuid(this.#seed, a, b, c, d);
    let place = hash & this.#mask;
    for (let entry = this.#places[place]!; entry !== 0; entry = this.#places[place]!) {
      if ((entry ^ hash) >>> TAG_SHIFT === 0) {
        const slot = (entry & SLOT_MASK) - 1;
        const id = slot * UUID_WORDS;
        const ids = this.#ids;
        if (ids[id] === a && ids[id + 1] === b && ids[id + 2] === c && ids[id + 3] === d) return slot;
      }
      place = (place + 1) & this.#mask;
    }
    return NOT_FOUND_SLOT;
  }

  /** Adds the UUID that stands in `slot`; the caller has found that it is not here yet. Hot: no allocation. */
  insert(slot: Slot): void {
    const hash = this.#hash(slot);
    let place = hash & this.#mask;
    while (this.#places[place] !== 0) place = (place + 1) & this.#mask;
    this.#places[place] = (hash & ~SLOT_MASK) | (slot + 1);
    this.#size++;
  }

  /**
   * Takes out the UUID that stands in `slot`. Later entries of the run move up (TAOCP 6.4, algorithm R), so there are
   * no tombstones and finding never slows down.
   */
  remove(slot: Slot): void {
    const hash = this.#hash(slot);
    const entry = (hash & ~SLOT_MASK) | (slot + 1);
    let hole = hash & this.#mask;
    while (this.#places[hole] !== entry) {
      if (this.#places[hole] === 0) throw new Error(`only what is in the index is removed: slot=${slot}`);
      hole = (hole + 1) & this.#mask;
    }
    for (let place = (hole + 1) & this.#mask; this.#places[place] !== 0; place = (place + 1) & this.#mask) {
      const distanceFromHome = (place - this.#hash((this.#places[place]! & SLOT_MASK) - 1)) & this.#mask;
      const distanceFromHole = (place - hole) & this.#mask;
      if (distanceFromHome < distanceFromHole) continue;
      this.#places[hole] = this.#places[place]!;
      hole = place;
    }
    this.#places[hole] = 0;
    this.#size--;
  }

  clear(): void {
    // Filling would commit every page; an index that was never used has nothing to clear.
    if (this.#size > 0) this.#places.fill(0);
    this.#size = 0;
  }

  #hash(slot: Slot): number {
    const id = slot * UUID_WORDS;
    const ids = this.#ids;
    return hashUuid(this.#seed, ids[id]!, ids[id + 1]!, ids[id + 2]!, ids[id + 3]!);
  }
}
