/**
 * Which partition a payment belongs to: the balancer's function, computed here as well. Where the instances divide the
 * partitions, the balancer picks the instance that its partition prefers; elsewhere a payment may take one hop more.
 *
 * nginx's `hash $key` (not consistent) is that of Cache::Memcached: ((crc32(key) >> 16) & 0x7fff) mod servers. The key
 * is the last byte of the correlationId as two lower-case hex digits: random in UUID versions 3 to 8.
 */
import { crc32 } from "node:zlib";

/** By the last byte of a correlationId: partitions from 0. */
export function partitionsByLastByte(partitionCount: number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => {
    const key = byte.toString(16).padStart(2, "0");
    return ((crc32(key) >>> 16) & 0x7fff) % partitionCount;
  });
}

/** The partitions of the payments there are. */
export class PartitionMap {
  readonly count: number;
  readonly #byLastByte: Uint8Array;

  constructor(partitionCount: number) {
    this.count = partitionCount;
    this.#byLastByte = partitionsByLastByte(partitionCount);
  }

  /** The partition of the payment with this correlationId, from 0. Hot. */
  of(id: Int32Array): number {
    return this.#byLastByte[id[3]! & 0xff]!;
  }
}
