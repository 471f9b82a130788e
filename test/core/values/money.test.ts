import { expect } from "chai";
import fc from "fast-check";
import { MAX_CAPACITY } from "../../../core/ledger/ledger.ts";
import {
  centsFromDecimal,
  centsFromNumber,
  formatCents,
  MAX_AMOUNT_CENTS,
  TOO_LARGE,
} from "../../../core/values/money.ts";
import { forAll } from "../../support/random.ts";

function cents(text: string): number {
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  return centsFromDecimal(bytes, 0, bytes.length);
}

/** Half to even over BigInt: the quotient of the digits and a power of ten. */
function naiveCents(text: string): number {
  const [whole, fraction = ""] = text.split(".");
  const scaled = BigInt(whole + fraction) * 100n;
  const unit = 10n ** BigInt(fraction.length);
  const [quotient, twice] = [scaled / unit, (scaled % unit) * 2n];
  const rounded = twice > unit || (twice === unit && quotient % 2n === 1n) ? quotient + 1n : quotient;
  return rounded > BigInt(MAX_AMOUNT_CENTS) ? TOO_LARGE : Number(rounded);
}

const digits = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789"), minLength, maxLength });
/** Fractions that end in a half, a hair beside it, or anywhere. */
const fractions = fc.oneof(
  digits(1, 25),
  fc
    .tuple(digits(2, 2), fc.constantFrom("5", "50", "500000", "5000001", "4999999", "49", "51"))
    .map((parts) => parts.join("")),
);

describe("money", () => {
  it("is whole cents", () => {
    const examples = {
      "19.90": 1990,
      "19.9": 1990,
      "0.01": 1,
      "1": 100,
      "100": 10_000,
      "0": 0,
      "0.00": 0,
      "007.10": 710,
    };
    for (const [text, expected] of Object.entries(examples)) expect(cents(text), text).to.equal(expected);
  });

  it("rounds exactly half a cent to the even cent", () => {
    const examples = {
      "0.005": 0,
      "0.015": 2,
      "0.025": 2,
      "0.035": 4,
      "1.005": 100,
      "1.995": 200,
      "0.0050000000": 0,
      "9.995": 1000,
    };
    for (const [text, expected] of Object.entries(examples)) expect(cents(text), text).to.equal(expected);
  });

  it("rounds a hair above half a cent up, however far behind the hair is, and a hair below it down", () => {
    expect(cents(`0.005${"0".repeat(60)}1`)).to.equal(1);
    expect(cents(`0.015${"0".repeat(60)}`)).to.equal(2);
    expect(cents(`0.004${"9".repeat(60)}`)).to.equal(0);
    expect(cents(`0.014${"9".repeat(60)}`)).to.equal(1);
  });

  it("goes up to the maximum amount, judged after rounding", () => {
    expect(cents("1000000")).to.equal(MAX_AMOUNT_CENTS);
    expect(cents("999999.995")).to.equal(MAX_AMOUNT_CENTS);
    expect(cents("1000000.005")).to.equal(MAX_AMOUNT_CENTS);
    expect(cents("1000000.0050001")).to.equal(TOO_LARGE);
    expect(cents("1000000.01")).to.equal(TOO_LARGE);
    expect(cents("100000000.00")).to.equal(TOO_LARGE);
    expect(cents("100000001")).to.equal(TOO_LARGE);
    expect(cents("9".repeat(400))).to.equal(TOO_LARGE);
    expect(cents(`${"0".repeat(400)}1.5`)).to.equal(150);
  });

  it("keeps the sum of a full ledger of maximum amounts exact", () => {
    expect(MAX_AMOUNT_CENTS * MAX_CAPACITY).to.be.below(Number.MAX_SAFE_INTEGER);
  });

  it("agrees with BigInt arithmetic on any decimal", () => {
    const decimals = fc
      .tuple(
        fc.oneof(digits(1, 8), fc.constantFrom("1000000", "999999", "0")),
        fc.option(fractions, { nil: undefined }),
      )
      .map(([whole, fraction]) => (fraction === undefined ? whole : `${whole}.${fraction}`));
    forAll(decimals, (text) => expect(cents(text), text).to.equal(naiveCents(text)), 5000);
  });

  it("is read only between the given offsets", () => {
    forAll(fc.tuple(digits(1, 7), digits(0, 5)), ([whole, fraction]) => {
      const text = fraction === "" ? whole : `${whole}.${fraction}`;
      const bytes = Uint8Array.from(`99.99${text}99.99`, (character) => character.charCodeAt(0));
      expect(centsFromDecimal(bytes, 5, 5 + text.length), text).to.equal(naiveCents(text));
    });
  });

  it("is the same from a number as from the number's own text", () => {
    const amounts = fc
      .integer({ min: 1, max: 1e13 })
      .chain((n) => fc.constantFrom(n / 1e5, n / 1e6, n / 1e7, n / 100, n / 1000));
    forAll(amounts, (amount) => {
      if (amount >= 1e-6) expect(centsFromNumber(amount), `${amount}`).to.equal(naiveCents(String(amount)));
    });
    expect(centsFromNumber(19.9)).to.equal(1990);
    expect(centsFromNumber(0.1 + 0.2)).to.equal(30);
    expect(centsFromNumber(1.005)).to.equal(100);
    expect(centsFromNumber(1.015)).to.equal(102);
    expect(centsFromNumber(1_000_000)).to.equal(MAX_AMOUNT_CENTS);
  });

  it("is nothing for numbers too small to count, and too large for numbers with an exponent", () => {
    for (const amount of [Number.MIN_VALUE, 1e-9, 5e-7, 0.0009999, 0.001, 0.005]) {
      expect(centsFromNumber(amount), `${amount}`).to.equal(0);
    }
    for (const amount of [1_000_000.01, 1e8, 1e8 + 1, 1e21, 1e300, Number.MAX_VALUE]) {
      expect(centsFromNumber(amount), `${amount}`).to.equal(TOO_LARGE);
    }
  });

  it("is written with two decimals, beyond 2^53 as well", () => {
    const examples: [number | bigint, string][] = [
      [0, "0.00"],
      [5, "0.05"],
      [10, "0.10"],
      [100, "1.00"],
      [1990, "19.90"],
      [Number.MAX_SAFE_INTEGER, "90071992547409.91"],
      [1_800_000_000_000_000_000_001n, "18000000000000000000.01"],
    ];
    for (const [amount, expected] of examples) expect(formatCents(amount)).to.equal(expected);
  });

  it("survives being written and read", () => {
    forAll(fc.integer({ min: 0, max: MAX_AMOUNT_CENTS }), (amount) =>
      expect(cents(formatCents(amount))).to.equal(amount),
    );
  });
});
