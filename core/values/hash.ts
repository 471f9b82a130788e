/** 32-bit finalizer of MurmurHash3 (Austin Appleby, public domain): every input bit flips half of the output bits. */
export function fmix32(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Seeded hash of the four words of a UUID: without the seed nobody can choose UUIDs that collide. */
export function hashUuid(seed: number, a: number, b: number, c: number, d: number): number {
  return fmix32(fmix32(fmix32(fmix32(seed ^ a) ^ b) ^ c) ^ d);
}
