import { expect } from "chai";
import fc from "fast-check";
import { xxHash32 } from "../../../core/log/checksum.ts";
import { forAll } from "../../support/random.ts";

const PRIMES = [0x9e3779b1n, 0x85ebca77n, 0xc2b2ae3dn, 0x27d4eb2fn, 0x165667b1n] as const;
const u32 = (value: bigint) => BigInt.asUintN(32, value);
const rotate = (value: bigint, bits: bigint) => u32((value << bits) | (value >> (32n - bits)));

/** XXH32 as its specification words it, over BigInt. */
function naiveHash(words: readonly bigint[], seed: bigint): number {
  const [p1, p2, p3, p4, p5] = PRIMES;
  const round = (lane: bigint, word: bigint) => u32(rotate(u32(lane + word * p2), 13n) * p1);
  const striped = words.length - (words.length % 4);
  let hash = u32(seed + p5);
  if (striped > 0) {
    const lanes = [seed + p1 + p2, seed + p2, seed, seed - p1].map(u32);
    words.slice(0, striped).forEach((word, i) => {
      lanes[i % 4] = round(lanes[i % 4]!, word);
    });
    hash = u32(lanes.reduce((sum, lane, i) => sum + rotate(lane, [1n, 7n, 12n, 18n][i]!), 0n));
  }
  hash = u32(hash + BigInt(words.length * 4));
  for (const word of words.slice(striped)) hash = u32(rotate(u32(hash + word * p3), 17n) * p4);
  hash = u32((hash ^ (hash >> 15n)) * p2);
  hash = u32((hash ^ (hash >> 13n)) * p3);
  return Number(BigInt.asIntN(32, hash ^ (hash >> 16n)));
}

describe("checksum", () => {
  it("is xxHash32: known values", () => {
    const abcd = Int32Array.of(0x64636261);
    expect(xxHash32(new Int32Array(0), 0, 0, 0) >>> 0).to.equal(0x02cc5d05);
    expect(xxHash32(abcd, 0, 1, 0) >>> 0).to.equal(0xa3643705);
  });

  it("is xxHash32: for any words, places and seeds", () => {
    const values = fc.tuple(fc.int32Array({ maxLength: 20 }), fc.nat(8), fc.nat(8), fc.integer());
    forAll(values, ([words, before, after, seed]) => {
      const padded = Int32Array.from([...Array(before).fill(7), ...words, ...Array(after).fill(9)]);
      const naive = naiveHash(
        Array.from(words, (word) => u32(BigInt(word))),
        BigInt(seed),
      );
      expect(xxHash32(padded, before, words.length, seed)).to.equal(naive);
    });
  });
});
