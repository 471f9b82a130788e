import { expect } from "chai";
import fc from "fast-check";
import { formatTimestamp, parseTimestamp } from "../../server/timestamp.ts";
import { forAll } from "../core/random.ts";

const YEAR_0_MS = new Date("0000-01-01T00:00:00.000Z").getTime();
const YEAR_9999_MS = new Date("9999-12-31T23:59:59.999Z").getTime();

const anyMs = fc.oneof(
  fc.integer({ min: YEAR_0_MS, max: YEAR_9999_MS }),
  // Neighbours in time, as in use: the text of the current second is kept between calls.
  fc.integer({ min: Date.UTC(2025, 6, 15), max: Date.UTC(2025, 6, 15) + 5000 }),
);

describe("timestamp", () => {
  it("is written as Date writes it", () => {
    forAll(anyMs, (ms) => expect(formatTimestamp(ms)).to.equal(new Date(ms).toISOString()), 5000);
  });

  it("is read back as it was written", () => {
    forAll(
      anyMs,
      (ms) => {
        expect(parseTimestamp(formatTimestamp(ms))).to.deep.equal({ ms, hasMore: false, hasZone: true });
      },
      5000,
    );
  });

  it("is read with any fraction of a second, cut to milliseconds", () => {
    const digits = fc.stringMatching(/^\d{1,9}$/);
    forAll(fc.tuple(anyMs, digits), ([ms, fraction]) => {
      const secondMs = Math.floor(ms / 1000) * 1000;
      const text = formatTimestamp(secondMs).replace(".000Z", `.${fraction}Z`);
      const padded = fraction.padEnd(9, "0");
      expect(parseTimestamp(text), text).to.deep.equal({
        ms: secondMs + Number(padded.slice(0, 3)),
        hasMore: /[1-9]/.test(padded.slice(3)),
        hasZone: true,
      });
    });
  });

  const sameMoment = [
    "2025-07-15T12:34:56Z",
    "2025-07-15T12:34:56.0Z",
    "2025-07-15t12:34:56z",
    "2025-07-15T12:34:56+00:00",
    "2025-07-15T12:34:56.000000000-00:00",
  ];
  for (const text of sameMoment) {
    it(`understands ${text}`, () => {
      const ms = Date.UTC(2025, 6, 15, 12, 34, 56);
      expect(parseTimestamp(text)).to.deep.equal({ ms, hasMore: false, hasZone: true });
    });
  }

  it("tells when there is no zone", () => {
    expect(parseTimestamp("2025-07-15T12:34:56.789")).to.deep.include({ hasZone: false });
  });

  const invalid = [
    "",
    "now",
    "0",
    "1752582896000",
    "2025-07-15",
    "2025-07-15 12:34:56Z",
    "2025-07-15T12:34Z",
    "2025-07-15T12:34:56+01:00",
    "2025-07-15T12:34:56,789Z",
    "2025-07-15T12:34:56.Z",
    "2025-07-15T12:34:56.1234567890Z",
    "2025-7-15T12:34:56Z",
    "25-07-15T12:34:56Z",
    "+02025-07-15T12:34:56Z",
    "2025-07-15T12:34:56ZZ",
    " 2025-07-15T12:34:56Z",
    "2025-07-15T12:34:56Z\n",
    "２０２５-07-15T12:34:56Z",
    "2025-00-15T00:00:00Z",
    "2025-13-15T00:00:00Z",
    "2025-07-00T00:00:00Z",
    "2025-07-32T00:00:00Z",
    "2025-06-31T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2025-07-15T24:00:00Z",
    "2025-07-15T12:60:00Z",
    "2025-07-15T12:34:60Z",
    "2025-07-15T12:34:61Z",
  ];
  for (const text of invalid) {
    it(`refuses "${text}"`, () => expect(parseTimestamp(text)).to.equal(undefined));
  }

  it("knows leap years", () => {
    for (const year of ["2024", "2000", "0000"]) {
      expect(parseTimestamp(`${year}-02-29T00:00:00Z`), year).to.not.equal(undefined);
    }
  });

  it("agrees with Date on which days there are", () => {
    const twoDigits = fc.integer({ min: 0, max: 40 }).map((n) => String(n).padStart(2, "0"));
    const year = fc.integer({ min: 0, max: 9999 }).map((n) => String(n).padStart(4, "0"));
    forAll(
      fc.tuple(year, twoDigits, twoDigits),
      ([y, month, day]) => {
        const text = `${y}-${month}-${day}T00:00:00.000Z`;
        const date = new Date(text);
        // Date rolls a 31st of June over into July instead of refusing it.
        const isReal = !Number.isNaN(date.getTime()) && date.toISOString() === text;
        expect(parseTimestamp(text) !== undefined, text).to.equal(isReal);
      },
      5000,
    );
  });

  it("never throws on anything", () => {
    forAll(fc.string({ unit: "binary", maxLength: 40 }), (text) => void parseTimestamp(text), 2000);
  });
});
