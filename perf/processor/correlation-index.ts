import { correlationIdText } from "./correlation-id.ts";

const SHARD_COUNT = 256;
const SHARD_SLOTS_MIN = 64;
const IDS_PER_BLOCK = 8192;
const ABSENT = -1;

/**
 * Open addressing with linear probing over Int32 slots that hold row + 1 (0 = free), in 256 shards that grow one by
 * one: a single table would stop the event loop for tenths of a second each time it doubled at millions of rows. At
 * most two thirds full. Rows are never removed one by one, so there are no tombstones.
 *
 * ids     ┌ block 0: 8192 × 4 words ┐┌ block 1 ┐ …       16 bytes a row, never copied on growth
 * shards  ┌ slots of shard 0 ┐ … ┌ slots of shard 255 ┐  6 to 12 bytes a row
 */
export class CorrelationIndex {
  #idBlocks: Uint32Array[] = [];
  #shards: Int32Array[] = [];
  #shardRowCounts = new Int32Array(SHARD_COUNT);
  #rowCount = 0;

  constructor() {
    this.clear();
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  /** The row just given to `id`, or -1 when it has one already. Rows are 0, 1, 2, … in the order of arrival. */
  add(id: Uint32Array): number {
    const hash = hashOf(id, 0);
    const shardIndex = hash >>> 24;
    const slots = this.#shards[shardIndex]!;
    const slot = this.#slotOf(slots, id, hash);
    if (slots[slot] !== 0) return ABSENT;
    const row = this.#rowCount++;
    if ((row & (IDS_PER_BLOCK - 1)) === 0) this.#idBlocks.push(new Uint32Array(IDS_PER_BLOCK * 4));
    this.#idBlocks[row >>> 13]!.set(id, (row & (IDS_PER_BLOCK - 1)) * 4);
    slots[slot] = row + 1;
    const shardRowCount = ++this.#shardRowCounts[shardIndex]!;
    if (shardRowCount * 3 > slots.length * 2) this.#grow(shardIndex);
    return row;
  }

  /** The row of `id`, or -1. */
  find(id: Uint32Array): number {
    const hash = hashOf(id, 0);
    const slots = this.#shards[hash >>> 24]!;
    return slots[this.#slotOf(slots, id, hash)]! - 1;
  }

  textOf(row: number): string {
    return correlationIdText(this.#idBlocks[row >>> 13]!, (row & (IDS_PER_BLOCK - 1)) * 4);
  }

  clear(): void {
    this.#idBlocks = [];
    this.#shards = Array.from({ length: SHARD_COUNT }, () => new Int32Array(SHARD_SLOTS_MIN));
    this.#shardRowCounts.fill(0);
    this.#rowCount = 0;
  }

  /** The slot that holds `id`, or the free slot where it belongs. */
  #slotOf(slots: Int32Array, id: Uint32Array, hash: number): number {
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const row = slots[slot]! - 1;
      if (row < 0 || this.#isIdOf(row, id)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #isIdOf(row: number, id: Uint32Array): boolean {
    const block = this.#idBlocks[row >>> 13]!;
    const offset = (row & (IDS_PER_BLOCK - 1)) * 4;
    return (
      block[offset] === id[0] &&
      block[offset + 1] === id[1] &&
      block[offset + 2] === id[2] &&
      block[offset + 3] === id[3]
    );
  }

  #grow(shardIndex: number): void {
    const old = this.#shards[shardIndex]!;
    const slots = new Int32Array(old.length * 2);
    const mask = slots.length - 1;
    for (const rowPlusOne of old) {
      if (rowPlusOne === 0) continue;
      const row = rowPlusOne - 1;
      let slot = hashOf(this.#idBlocks[row >>> 13]!, (row & (IDS_PER_BLOCK - 1)) * 4) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = rowPlusOne;
    }
    this.#shards[shardIndex] = slots;
  }
}

/** Every bit of the id reaches every bit of the hash: ids that count up (tests, UUIDv7) must not cluster. */
function hashOf(words: Uint32Array, offset: number): number {
  let hash = 0;
  for (let i = 0; i < 4; i++) {
    hash = Math.imul(hash ^ words[offset + i]!, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
