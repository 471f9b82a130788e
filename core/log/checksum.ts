/**
 * xxHash32 (Yann Collet, BSD-2) of whole 32-bit little-endian words: fast, and changes in every bit for every flipped
 * bit. It finds damage; it is no protection against somebody who forges records.
 */
const PRIME_1 = 0x9e3779b1 | 0;
const PRIME_2 = 0x85ebca77 | 0;
const PRIME_3 = 0xc2b2ae3d | 0;
const PRIME_4 = 0x27d4eb2f | 0;
const PRIME_5 = 0x165667b1 | 0;

/** Hash of `count` words from `start`, as a signed 32-bit integer. Hot: no allocation. */
export function xxHash32(words: Int32Array, start: number, count: number, seed: number): number {
  const end = start + count;
  let i = start;
  let h: number;
  if (count >= 4) {
    let a = (seed + PRIME_1 + PRIME_2) | 0;
    let b = (seed + PRIME_2) | 0;
    let c = seed | 0;
    let d = (seed - PRIME_1) | 0;
    for (; i + 4 <= end; i += 4) {
      a = round(a, words[i]!);
      b = round(b, words[i + 1]!);
      c = round(c, words[i + 2]!);
      d = round(d, words[i + 3]!);
    }
    h = (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0;
  } else {
    h = (seed + PRIME_5) | 0;
  }
  h = (h + count * 4) | 0;
  for (; i < end; i++) h = Math.imul(rotate((h + Math.imul(words[i]!, PRIME_3)) | 0, 17), PRIME_4);
  h = Math.imul(h ^ (h >>> 15), PRIME_2);
  h = Math.imul(h ^ (h >>> 13), PRIME_3);
  return h ^ (h >>> 16);
}

function round(lane: number, word: number): number {
  return Math.imul(rotate((lane + Math.imul(word, PRIME_2)) | 0, 13), PRIME_1);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
