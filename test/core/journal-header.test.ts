import { expect } from "chai";
import fc from "fast-check";
import {
  CHECKPOINT,
  decodeHeader,
  encodeHeader,
  HEADER_BYTES,
  type JournalHeader,
  SEGMENT,
} from "../../core/journal-header.ts";
import { NOON_MS } from "./payments.ts";
import { forAll } from "./random.ts";

const HEADER: JournalHeader = {
  kind: SEGMENT,
  instance: 1,
  instanceCount: 2,
  number: 7,
  firstLsn: 12_345_678_901,
  createdAtMs: NOON_MS,
};

describe("journal header", () => {
  it("is 48 bytes that begin with a name people recognise", () => {
    const bytes = encodeHeader(HEADER);
    expect([bytes.length, HEADER_BYTES]).to.deep.equal([48, 48]);
    expect(String.fromCharCode(...bytes.subarray(0, 8))).to.equal("RINHAJRN");
  });

  it("is read as it was written, from a longer buffer too", () => {
    const headers: fc.Arbitrary<JournalHeader> = fc.record({
      kind: fc.constantFrom(SEGMENT, CHECKPOINT),
      instance: fc.nat(255),
      instanceCount: fc.integer({ min: 1, max: 256 }),
      number: fc.nat(),
      firstLsn: fc.maxSafeNat(),
      createdAtMs: fc.nat(),
    });
    forAll(headers, (header) => {
      const file = new Uint8Array(100).fill(0xaa);
      file.set(encodeHeader(header));
      expect(decodeHeader(file)).to.deep.equal(header);
    });
  });

  it("is refused with any bit flipped", () => {
    for (let bit = 0; bit < HEADER_BYTES * 8; bit++) {
      const bytes = encodeHeader(HEADER);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(decodeHeader(bytes), `bit ${bit}`).to.be.a("string");
    }
  });

  it("says what is wrong", () => {
    const other = encodeHeader(HEADER);
    other[8] = 2;
    expect(decodeHeader(other)).to.equal("the format version must be 1: version=2");
    expect(decodeHeader(new Uint8Array(48))).to.equal("this is no journal file");
    expect(decodeHeader(encodeHeader(HEADER).fill(0, 44))).to.equal("the header's checksum must agree");
  });
});
