import { expect } from "chai";
import fc from "fast-check";
import {
  CHECKPOINT,
  decodeHeader,
  encodeHeader,
  endsInHeader,
  HEADER_BYTES,
  type HeaderFields,
  SEGMENT,
} from "../../../core/log/journal-header.ts";
import { NOON_MS } from "../../support/payments.ts";
import { forAll } from "../../support/random.ts";
import { encodeVersion1Header } from "../../support/version-1-header.ts";

const HEADER: HeaderFields = {
  kind: SEGMENT,
  partition: 1,
  partitionCount: 2,
  epoch: 3,
  number: 7,
  firstLsn: 12_345_678_901,
  createdAtMs: NOON_MS,
  boundMs: NOON_MS - 1,
  followsDurable: true,
  processors: ["default", "fallback"],
  capacity: 1_048_576,
};

describe("journal header", () => {
  it("is 480 bytes, within one sector, that begin with a name people recognise", () => {
    const bytes = encodeHeader(HEADER);
    expect([bytes.length, HEADER_BYTES]).to.deep.equal([480, 480]);
    expect(String.fromCharCode(...bytes.subarray(0, 8))).to.equal("RINHAJRN");
  });

  it("is read as it was written, from a longer buffer too", () => {
    const headers: fc.Arbitrary<HeaderFields> = fc.record({
      kind: fc.constantFrom(SEGMENT, CHECKPOINT),
      partition: fc.nat(65_535),
      partitionCount: fc.integer({ min: 1, max: 65_535 }),
      epoch: fc.nat(0xffffffff),
      number: fc.nat(),
      firstLsn: fc.maxSafeNat(),
      createdAtMs: fc.nat(),
      boundMs: fc.maxSafeNat(),
      followsDurable: fc.boolean(),
      processors: fc.uniqueArray(fc.stringMatching(/^[!-~]{1,24}$/), { minLength: 1, maxLength: 16 }),
      capacity: fc.nat(0xffffffff),
    });
    forAll(headers, (header) => {
      const file = new Uint8Array(600).fill(0xaa);
      file.set(encodeHeader(header));
      expect(decodeHeader(file)).to.deep.equal({ ...header, version: 2, headerBytes: HEADER_BYTES });
    });
  });

  it("has room for 16 names of 24 characters, and no more", () => {
    const names = Array.from({ length: 17 }, (_, i) => String.fromCharCode(97 + i).repeat(24));
    const full = { ...HEADER, processors: names.slice(0, 16) };
    expect(decodeHeader(encodeHeader(full))).to.deep.include(full);
    for (const processors of [names, [], [`${names[0]}a`], [""], ["two words"], ["café"], ["a", "b", "a"]]) {
      expect(() => encodeHeader({ ...HEADER, processors })).to.throw("a journal has 1 to 16 processors, each with");
    }
  });

  it("is refused with any bit flipped, in both versions", () => {
    const { kind, partition, partitionCount, number, firstLsn, createdAtMs } = HEADER;
    const old = encodeVersion1Header({ kind, partition, partitionCount, number, firstLsn, createdAtMs });
    for (const sound of [encodeHeader(HEADER), old]) {
      expect(decodeHeader(sound)).not.to.be.a("string");
      for (let bit = 0; bit < sound.length * 8; bit++) {
        const bytes = sound.slice();
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        expect(decodeHeader(bytes), `bit ${bit}`).to.be.a("string");
      }
    }
  });

  it("of version 1 is read: two processors, no epoch, no bound", () => {
    const fields = { kind: CHECKPOINT, partition: 1, partitionCount: 2, number: 7, firstLsn: 8, createdAtMs: NOON_MS };
    const bytes = encodeVersion1Header(fields as Parameters<typeof encodeVersion1Header>[0]);
    const header = {
      ...fields,
      version: 1,
      headerBytes: 48,
      epoch: 0,
      boundMs: 0,
      followsDurable: false,
      processors: ["default", "fallback"],
      capacity: 0,
    };
    expect(decodeHeader(bytes)).to.deep.equal(header);
    expect(decodeHeader(new Uint8Array([...bytes, ...new Uint8Array(100)]))).to.deep.equal(header);
  });

  it("of a release that said nothing of a capacity has zeros there", () => {
    const bytes = encodeHeader({ ...HEADER, capacity: 0 });
    expect([...bytes.subarray(448, 476)]).to.deep.equal(new Array(28).fill(0));
    expect([...encodeHeader(HEADER).subarray(448, 456)]).to.deep.equal([0, 0, 16, 0, 0, 0, 0, 0]);
  });

  it("says what is wrong", () => {
    const other = encodeHeader(HEADER);
    other[8] = 3;
    expect(decodeHeader(other)).to.equal("the format version must be 1 or 2: version=3");
    expect(decodeHeader(new Uint8Array(480))).to.equal("this is no journal file");
    expect(decodeHeader(encodeHeader(HEADER).fill(0, 476))).to.equal("the header's checksum must agree");
    expect(decodeHeader(encodeHeader(HEADER).subarray(0, 479))).to.equal("a header has 480 bytes: bytes=479");
  });

  it("knows a file that ends within its header from one that is something else", () => {
    const whole = encodeHeader(HEADER);
    for (const bytes of [0, 1, 47, 48, 479]) expect(endsInHeader(whole.subarray(0, bytes)), `${bytes}`).to.equal(true);
    expect(endsInHeader(whole)).to.equal(false);
    const { kind, partition, partitionCount, number, firstLsn, createdAtMs } = HEADER;
    const old = encodeVersion1Header({ kind, partition, partitionCount, number, firstLsn, createdAtMs });
    expect([endsInHeader(old), endsInHeader(old.subarray(0, 47))]).to.deep.equal([false, true]);
    expect(endsInHeader(new Uint8Array(100).fill(0x41))).to.equal(false);
  });
});
