import { expect } from "chai";
import fc from "fast-check";
import { formatTimestamp, parseTimestamp } from "../../../server/text/timestamp.ts";
import { forAll } from "../../support/random.ts";

const YEAR_0_MS = new Date("0000-01-01T00:00:00.000Z").getTime();
const YEAR_9999_MS = new Date("9999-12-31T23:59:59.999Z").getTime();

const anyMs = fc.oneof(
  fc.integer({ min: YEAR_0_MS, max: YEAR_9999_MS }),
  // Neighbours in time, as in use: the text of the current second is kept between calls.
  fc.integer({ min: Date.UTC(2025, 6, 15), max: Date.UTC(2025, 6, 15) + 5000 }),
);

/** One legal way to write a moment. */
type Writing = {
  /** Of the local time, minutes east of UTC; undefined: UTC, and not told. */
  offsetMinutes: number | undefined;
  separator: string;
  decimalSign: string;
  /** Beyond the milliseconds. */
  moreDigits: string;
  /** How the zone is written. */
  zulu: string;
  plus: string;
  minus: string;
  colon: string;
  gap: string;
};

const writing: fc.Arbitrary<Writing> = fc.record({
  offsetMinutes: fc.option(fc.integer({ min: -1439, max: 1439 }), { nil: undefined }),
  separator: fc.constantFrom("T", "t", " "),
  decimalSign: fc.constantFrom(".", ","),
  moreDigits: fc.stringMatching(/^\d{0,20}$/),
  zulu: fc.constantFrom("Z", "z", "", "+00:00", "-00"),
  plus: fc.constantFrom("+", " "),
  minus: fc.constantFrom("-", "\u2212"),
  colon: fc.constantFrom(":", ""),
  gap: fc.constantFrom("", " "),
});

function write(ms: number, way: Writing): string {
  const offsetMinutes = way.offsetMinutes ?? 0;
  const local = new Date(ms + offsetMinutes * 60_000).toISOString();
  // Local times before the year 0 or after 9999 have no four digits: they are written in UTC.
  const isWritable = local.length === 24;
  const text = isWritable ? local : new Date(ms).toISOString();
  const hours = String(Math.trunc(Math.abs(offsetMinutes) / 60)).padStart(2, "0");
  const minutes = String(Math.abs(offsetMinutes) % 60).padStart(2, "0");
  const sign = offsetMinutes < 0 ? way.minus : way.plus;
  const zone = isWritable && offsetMinutes !== 0 ? `${way.gap}${sign}${hours}${way.colon}${minutes}` : way.zulu;
  const [date, time] = text.slice(0, -1).split("T") as [string, string];
  return `${date}${way.separator}${time.replace(".", way.decimalSign)}${way.moreDigits}${zone}`;
}

describe("timestamp", () => {
  it("is written as Date writes it", () => {
    forAll(anyMs, (ms) => expect(formatTimestamp(ms)).to.equal(new Date(ms).toISOString()), 5000);
  });

  it("is read back as it was written", () => {
    forAll(
      anyMs,
      (ms) => {
        expect(parseTimestamp(formatTimestamp(ms))).to.deep.equal({ ms, hasMore: false });
      },
      5000,
    );
  });

  it("is read with any fraction of a second, cut to milliseconds", () => {
    const digits = fc.stringMatching(/^\d{1,40}$/);
    forAll(fc.tuple(anyMs, digits), ([ms, fraction]) => {
      const secondMs = Math.floor(ms / 1000) * 1000;
      const text = formatTimestamp(secondMs).replace(".000Z", `.${fraction}Z`);
      const padded = fraction.padEnd(3, "0");
      expect(parseTimestamp(text), text).to.deep.equal({
        ms: secondMs + Number(padded.slice(0, 3)),
        hasMore: /[1-9]/.test(padded.slice(3)),
      });
    });
  });

  const sameMoment = [
    "2025-07-15T12:34:56Z",
    "2025-07-15T12:34:56.0Z",
    "2025-07-15t12:34:56z",
    "2025-07-15T12:34:56+00:00",
    "2025-07-15T12:34:56.000000000-00:00",
    "2025-07-15T12:34:56",
    "2025-07-15 12:34:56",
    "2025-07-15 12:34:56 Z",
    "2025-07-15T12:34:56,000Z",
    "2025-07-15T09:34:56-03:00",
    "2025-07-15T09:34:56\u221203:00",
    "2025-07-15T15:34:56+0300",
    "2025-07-15T15:34:56+03",
    "2025-07-15 15:34:56 +03:00",
    "2025-07-15T15:34:56 03:00",
    "2025-07-15 15:34:56  03:00",
    "2025-07-15T18:19:56+05:45",
    "2025-07-16T12:33:56+23:59",
    "2025-07-14T12:35:56-23:59",
    `2025-07-15T12:34:56.${"0".repeat(500)}Z`,
  ];
  for (const text of sameMoment) {
    it(`understands ${text.slice(0, 40)}`, () => {
      const ms = Date.UTC(2025, 6, 15, 12, 34, 56);
      expect(parseTimestamp(text)).to.deep.equal({ ms, hasMore: false });
    });
  }

  it("has the full minute when there are no seconds", () => {
    for (const text of ["2025-07-15T12:34Z", "2025-07-15 12:34", "2025-07-15T09:34-03:00"])
      expect(parseTimestamp(text), text).to.deep.equal({ ms: Date.UTC(2025, 6, 15, 12, 34), hasMore: false });
  });

  it("takes 24:00 for the end of the day, and nothing after it", () => {
    const ms = Date.UTC(2024, 1, 29);
    for (const text of ["2024-02-28T24:00Z", "2024-02-28T24:00:00.000Z", "2024-02-28T21:00-03:00"])
      expect(parseTimestamp(text), text).to.deep.equal({ ms, hasMore: false });
    expect(parseTimestamp("2024-02-28T24:00:00-03:00")).to.deep.equal({ ms: ms + 3 * 3_600_000, hasMore: false });
    for (const time of ["24:00:01", "24:01", "24:00:00.001", "24:00:00.0000001", "24:00:60", "25:00"])
      expect(parseTimestamp(`2024-02-28T${time}Z`), time).to.equal(undefined);
  });

  it("takes a leap second for the second after it, where one can be", () => {
    const ms = Date.UTC(2017, 0, 1);
    for (const text of ["2016-12-31T23:59:60Z", "2016-12-31T20:59:60-03:00", "2017-01-01T05:44:60+05:45"])
      expect(parseTimestamp(text), text).to.deep.equal({ ms, hasMore: false });
    expect(parseTimestamp("2016-12-31T23:59:60.5Z")).to.deep.equal({ ms: ms + 500, hasMore: false });
    for (const text of [
      "2016-12-30T23:59:60Z",
      "2016-12-31T23:58:60Z",
      "2016-12-31T23:59:60-03:00",
      "2016-12-31T23:59:61Z",
    ])
      expect(parseTimestamp(text), text).to.equal(undefined);
  });

  it("comes back to the same millisecond in whatever legal way it was written", () => {
    forAll(
      fc.tuple(anyMs, writing),
      ([ms, way]) => {
        const text = write(ms, way);
        expect(parseTimestamp(text), text).to.deep.equal({ ms, hasMore: way.moreDigits.search(/[1-9]/) >= 0 });
      },
      5000,
    );
  });

  const invalid = [
    "",
    "now",
    "0",
    "1752582896000",
    "2025-07-15",
    "2025-07-15Z",
    "2025-07-15T",
    "2025-07-15T12Z",
    "2025-07-15T12:34:Z",
    "2025-07-15T12:34.5Z",
    "2025-07-15T12:34:56.Z",
    "2025-07-15T12:34:56,Z",
    "2025-07-15T12:34:56.1.2Z",
    "2025-7-15T12:34:56Z",
    "25-07-15T12:34:56Z",
    "20250715T123456Z",
    "2025/07/15 12:34:56",
    "+02025-07-15T12:34:56Z",
    "-2025-07-15T12:34:56Z",
    "2025-07-15T12:34:56ZZ",
    "2025-07-15T12:34:56Z+01:00",
    "2025-07-15T12:34:56 ",
    "2025-07-15T12:34:56  Z",
    "2025-07-15T12:34:56+3:00",
    "2025-07-15T12:34:56+03:",
    "2025-07-15T12:34:56+03:0",
    "2025-07-15T12:34:56+24:00",
    "2025-07-15T12:34:56+03:60",
    "2025-07-15T12:34:56+03:00:00",
    "2025-07-15T12:34:56UTC",
    "2025-07-15T12:34:56 America/Sao_Paulo",
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
