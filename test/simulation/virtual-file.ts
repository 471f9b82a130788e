import type { Random } from "../support/random.ts";

/** What a disk writes whole. */
const SECTOR_BYTES = 512;

type Range = { from: number; to: number };

/**
 * A file's content, as the kernel has it in memory, and how much of it is on the platter. Names are the directory's
 * business: an open file outlives its name. Only ends of files are ever written over, so what was synced is a beginning
 * of the file, but for the holes that failed syncs have left in it.
 */
export class VirtualFile {
  bytes = new Uint8Array(1024);
  length = 0;
  #syncedBytes = 0;
  /** What a failed sync was to write: the kernel takes it for written, and it is not. */
  #holes: Range[] = [];

  write(source: Uint8Array, from: number, count: number, position: number): void {
    this.#reach(position + count);
    // What lies beyond a file's old end reads as zeros.
    if (position > this.length) this.bytes.fill(0, this.length, position);
    this.bytes.set(source.subarray(from, from + count), position);
    this.length = Math.max(this.length, position + count);
  }

  truncate(length: number): void {
    this.length = length;
    this.#syncedBytes = Math.min(this.#syncedBytes, length);
    this.#holes = this.#holes
      .filter(({ from }) => from < length)
      .map(({ from, to }) => ({ from, to: Math.min(to, length) }));
  }

  /** What was written up to `length` is on the platter. */
  synced(length: number): void {
    this.#syncedBytes = Math.max(this.#syncedBytes, Math.min(length, this.length));
  }

  /** What was written up to `length` is not, and no later sync will write it. */
  syncFailed(length: number): void {
    const to = Math.min(length, this.length);
    if (to <= this.#syncedBytes) return;
    this.#holes.push({ from: this.#syncedBytes, to });
    this.#syncedBytes = to;
  }

  /**
   * The machine stops: what was synced is there, and any part of the rest, possibly with zeros behind it. A device that
   * has failed a sync has written nothing behind what it failed to write, unless a later sync made it.
   */
  losePower(random: Random): void {
    const { length } = this;
    const lastHole = this.#holes.at(-1);
    const endsInHole = lastHole !== undefined && lastHole.to === this.#syncedBytes;
    if (endsInHole) this.#syncedBytes = this.#holes.pop()!.from;
    const certainBytes = this.#syncedBytes;
    const kept = endsInHole || random.chance(0.5) ? certainBytes : random.between(certainBytes, length);
    if (random.chance(0.5)) this.truncate(kept);
    else this.#zeroFrom(endsInHole ? kept : this.#sectorEnd(kept, certainBytes));
    for (const { from, to } of this.#holes) this.bytes.fill(0, from, to);
    this.#holes = [];
    this.#syncedBytes = this.length;
  }

  /** Where the sector ends that this byte is in: what a disk writes, it writes whole. */
  #sectorEnd(byte: number, certainBytes: number): number {
    const end = Math.ceil(byte / SECTOR_BYTES) * SECTOR_BYTES;
    return end <= this.length ? end : certainBytes;
  }

  /** The file's length reached the disk, and its content from here on did not. */
  #zeroFrom(byte: number): void {
    this.bytes.fill(0, byte, this.length);
  }

  #reach(length: number): void {
    if (length <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(length, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
