import { hashUuid } from "./hash.ts";
import { UUID_WORDS } from "./uuid.ts";

export const NOT_FOUND_SLOT = -1;

/**
 * Finds the slot of a UUID: open addressing with linear probing over a preallocated Int32Array (Knuth, TAOCP 6.4,
 * algorithm L). The UUIDs themselves stay in the ledger's column; a place holds slot + 1, 0 is empty.
 *
 *   places   [ 0 | 7 | 0 | 3 | 12 | 0 | … ]      power of two, at most ¾ full
 *                  └─ slot 6: words 24 … 27 of `ids`
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
  find(words: Int32Array, at = 0): number {
    const a = words[at]!;
    const b = words[at + 1]!;
    const c = words[at + 2]!;
    const d = words[at + 3]!;
    let place = hashUuid(this.#seed, a, b, c, d) & this.#mask;
    for (let entry = this.#places[place]!; entry !== 0; entry = this.#places[place]!) {
      const id = (entry - 1) * UUID_WORDS;
      const ids = this.#ids;
      if (ids[id] === a && ids[id + 1] === b && ids[id + 2] === c && ids[id + 3] === d) return entry - 1;
      place = (place + 1) & this.#mask;
    }
    return NOT_FOUND_SLOT;
  }

  /** Adds the UUID that stands in `slot`; the caller has found that it is not here yet. Hot: no allocation. */
  insert(slot: number): void {
    let place = this.#home(slot);
    while (this.#places[place] !== 0) place = (place + 1) & this.#mask;
    this.#places[place] = slot + 1;
    this.#size++;
  }

  /**
   * Takes out the UUID that stands in `slot`. Later entries of the run move up (TAOCP 6.4, algorithm R), so there are no
   * tombstones and finding never slows down.
   */
  remove(slot: number): void {
    let hole = this.#home(slot);
    while (this.#places[hole] !== slot + 1) {
      if (this.#places[hole] === 0) throw new Error(`only what is in the index is removed: slot=${slot}`);
      hole = (hole + 1) & this.#mask;
    }
    for (let place = (hole + 1) & this.#mask; this.#places[place] !== 0; place = (place + 1) & this.#mask) {
      const distanceFromHome = (place - this.#home(this.#places[place]! - 1)) & this.#mask;
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

  #home(slot: number): number {
    const id = slot * UUID_WORDS;
    const ids = this.#ids;
    return hashUuid(this.#seed, ids[id]!, ids[id + 1]!, ids[id + 2]!, ids[id + 3]!) & this.#mask;
  }
}
