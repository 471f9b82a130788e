import { expect } from "chai";
import { partitionsByLastByte } from "../../../server/partition/partition-map.ts";

/** CRC-32 (ISO 3309) bit by bit, as the textbook has it. */
function crc32(text: string): number {
  let crc = 0xffffffff;
  for (const char of text) {
    crc ^= char.charCodeAt(0);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

describe("the partition of a payment", () => {
  it("is the balancer's documented hash of the two lower-case digits", () => {
    for (let count = 1; count <= 16; count++) {
      const expected = Array.from({ length: 256 }, (_, byte) => {
        const key = (byte >> 4).toString(16) + (byte & 15).toString(16);
        return ((crc32(key) >>> 16) & 0x7fff) % count;
      });
      expect([...partitionsByLastByte(count)]).to.deep.equal(expected);
    }
  });

  it("stays what it is: payments must be of the same partition after every release", () => {
    const partitions = partitionsByLastByte(2);
    expect([0x00, 0x01, 0x42, 0x7f, 0x80, 0xfe, 0xff].map((byte) => partitions[byte])).to.deep.equal([
      0, 1, 0, 1, 1, 0, 1,
    ]);
  });

  it("gives everything to a single partition", () => {
    expect(new Set(partitionsByLastByte(1))).to.deep.equal(new Set([0]));
  });

  it("shares the payments out evenly", () => {
    for (const count of [2, 3, 4]) {
      const shares = Array.from({ length: count }, () => 0);
      for (const partition of partitionsByLastByte(count)) shares[partition]!++;
      for (const share of shares) expect(share).to.be.within((256 / count) * 0.85, (256 / count) * 1.15);
    }
  });
});
