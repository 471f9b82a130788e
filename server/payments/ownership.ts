/**
 * Which instance a payment belongs to: the balancer's function, computed here as well, so that a payment that reaches
 * another instance (odd JSON the balancer's pattern did not see, or a client that came by another way) can be handed to
 * its owner.
 *
 * nginx's `hash $key` (not consistent) is that of Cache::Memcached: ((crc32(key) >> 16) & 0x7fff) mod servers. The key
 * is the last byte of the correlationId as two lower-case hex digits: random in UUID versions 3 to 8.
 */
import { crc32 } from "node:zlib";

/** Owners by the last byte of a correlationId: instance numbers from 0. */
export function ownersByLastByte(instanceCount: number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => {
    const key = byte.toString(16).padStart(2, "0");
    return ((crc32(key) >>> 16) & 0x7fff) % instanceCount;
  });
}

/** Who of all instances a payment belongs to. */
export class Ownership {
  readonly #self: number;
  readonly #owners: Uint8Array;

  /** `self`: this instance, from 0. */
  constructor(self: number, instanceCount: number) {
    this.#self = self;
    this.#owners = ownersByLastByte(instanceCount);
  }

  /** The instance that owns the payment with this correlationId, from 0. Hot. */
  ownerOf(id: Int32Array): number {
    return this.#owners[id[3]! & 0xff]!;
  }

  isOwn(id: Int32Array): boolean {
    return this.ownerOf(id) === this.#self;
  }
}
