import { expect } from "chai";
import fc from "fast-check";
import { formatUuid, parseUuid, parseUuidText, UUID_TEXT_BYTES, UUID_WORDS } from "../../../core/values/uuid.ts";
import { forAll } from "../../support/random.ts";

const TEXT = "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3";
const WORDS = [0x4a7901b8, 0x7d264d9d, 0xaa194dc1 | 0, 0xc7cf60b3 | 0];

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function parsed(text: string): number[] | undefined {
  const words = new Int32Array(UUID_WORDS);
  return parseUuidText(text, words) ? [...words] : undefined;
}

/** The words of a valid text by way of a BigInt. */
function naiveWords(text: string): number[] {
  const value = BigInt(`0x${text.replaceAll("-", "")}`);
  return [96n, 64n, 32n, 0n].map((shift) => Number(BigInt.asIntN(32, value >> shift)));
}

describe("uuid", () => {
  it("is read as four words, most significant first", () => {
    expect(parsed(TEXT)).to.deep.equal(WORDS);
  });

  it("means the same in upper, lower and mixed case, and is written in lower case", () => {
    for (const text of [TEXT.toUpperCase(), "4A7901b8-7d26-4D9D-aA19-4dC1c7Cf60b3"]) {
      expect(parsed(text)).to.deep.equal(WORDS);
    }
    expect(formatUuid(Int32Array.from(WORDS))).to.equal(TEXT);
  });

  it("has no reserved values: nil and max are UUIDs", () => {
    expect(parsed("00000000-0000-0000-0000-000000000000")).to.deep.equal([0, 0, 0, 0]);
    expect(parsed("ffffffff-ffff-ffff-ffff-ffffffffffff")).to.deep.equal([-1, -1, -1, -1]);
  });

  it("is read from and written to the place asked for, and nowhere else", () => {
    const out = new Int32Array(12).fill(7);
    expect(parseUuid(ascii(`{"correlationId":"${TEXT}"}`), 18, out, 4)).to.equal(true);
    expect([...out]).to.deep.equal([7, 7, 7, 7, ...WORDS, 7, 7, 7, 7]);
    expect(formatUuid(out, 4)).to.equal(TEXT);
  });

  it("is not read beyond the end of the bytes", () => {
    const out = new Int32Array(UUID_WORDS);
    expect(parseUuid(ascii(TEXT), 0, out)).to.equal(true);
    expect(parseUuid(ascii(` ${TEXT}`), 2, out)).to.equal(false);
    expect(parseUuid(ascii(TEXT.slice(0, -1)), 0, out)).to.equal(false);
    expect(parseUuid(new Uint8Array(0), 0, out)).to.equal(false);
  });

  it("has 36 characters: one less or one more is refused", () => {
    expect(parsed(TEXT.slice(1))).to.equal(undefined);
    expect(parsed(`${TEXT}0`)).to.equal(undefined);
    expect(parsed("")).to.equal(undefined);
  });

  it("is refused for any other character at any place", () => {
    for (let place = 0; place < UUID_TEXT_BYTES; place++) {
      for (const wrong of ["/", ":", "@", "G", "`", "g", " ", "\0", "\x7f", "\x80", "\xff", "\u0130", "\uff11"]) {
        const text = TEXT.slice(0, place) + wrong + TEXT.slice(place + 1);
        expect(parsed(text), `${text} at ${place}`).to.equal(undefined);
      }
      const swapped = TEXT[place] === "-" ? "0" : "-";
      expect(parsed(TEXT.slice(0, place) + swapped + TEXT.slice(place + 1))).to.equal(undefined);
    }
  });

  it("is read like its 128-bit number, and written back as it was", () => {
    forAll(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
      const text = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
      expect(parsed(text)).to.deep.equal(naiveWords(text));
      expect(formatUuid(Int32Array.from(naiveWords(text)))).to.equal(text);
    });
  });

  it("is accepted exactly when the pattern of UUIDs matches", () => {
    const pattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
    const edited = fc
      .tuple(fc.uuid(), fc.integer({ min: 0, max: 35 }), fc.integer({ min: 0, max: 255 }))
      .map(([text, place, code]) => text.slice(0, place) + String.fromCharCode(code) + text.slice(place + 1));
    forAll(edited, (text) => expect(parsed(text) !== undefined).to.equal(pattern.test(text)), 2000);
  });
});
