import { expect } from "chai";
import fc from "fast-check";
import { centsOfAmount, decimalText, trimmedDecimalText } from "../../perf/processor/amount.ts";
import { feeText, readFee, totalFeeText } from "../../perf/processor/fee.ts";

describe("processor amounts", () => {
  it("rounds halves to the even cent, on the decimal digits", () => {
    const cases: [number | string, number][] = [
      [19.9, 1990],
      [0.005, 0],
      [0.015, 2],
      [0.025, 2],
      [1.005, 100],
      [1.015, 102],
      [2.675, 268],
      [2.665, 266],
      [-0.025, -2],
      [-0.035, -4],
      [0, 0],
      [1e-7, 0],
      [1e3, 100_000],
      ["1.0050000000000000000001", 101],
      ["77.8299999999999982946974341757595539093017578125", 7783],
      ["1990e-2", 1990],
      ["1.99E+1", 1990],
      ["0.004999", 0],
      ["0.006", 1],
      ["9e-3", 1],
      [10_000_000_000, 1e12],
    ];
    for (const [amount, cents] of cases) expect(centsOfAmount(amount), String(amount)).to.equal(cents);
  });

  it("refuses what is no decimal and what is over the bound", () => {
    for (const amount of [
      "",
      "abc",
      "1,5",
      "0x10",
      "1.",
      ".5",
      " 1",
      "NaN",
      "Infinity",
      "1e999999999",
      `1${"0".repeat(500)}`,
    ]) {
      expect(centsOfAmount(amount), amount).to.equal(undefined);
    }
    for (const amount of [10_000_000_000.01, 1e21, 1e308, Number.POSITIVE_INFINITY, -10_000_000_000.01]) {
      expect(centsOfAmount(amount), String(amount)).to.equal(undefined);
    }
    expect(centsOfAmount("1e-999999999")).to.equal(0);
  });

  it("agrees with exact integer arithmetic on any decimal of up to six places", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e10, max: 1e10 }), fc.integer({ min: 0, max: 6 }), (units, scale) => {
        const amount = Number(decimalText(BigInt(units), scale));
        expect(Number(centsOfAmount(amount))).to.equal(Number(halfEvenModel(BigInt(units), scale)));
      }),
      { numRuns: 2000 },
    );
  });

  it("prints every cent of any sum", () => {
    expect(decimalText(5n, 2)).to.equal("0.05");
    expect(decimalText(-5n, 2)).to.equal("-0.05");
    expect(decimalText(123456789012345678901234567n, 2)).to.equal("1234567890123456789012345.67");
    expect(decimalText(7n, 0)).to.equal("7");
    const trimmed = [0n, 10n, 100n, 1990n, 1995n, -50n, 100_000n].map((cents) => trimmedDecimalText(cents, 2));
    expect(trimmed).to.deep.equal(["0", "0.1", "1", "19.9", "19.95", "-0.5", "1000"]);
    expect(trimmedDecimalText(100n, 0)).to.equal("100");
  });

  it("takes the fee as a decimal, exactly", () => {
    expect(totalFeeText(41554234598n, readFee("0.05")!)).to.equal("20777117.299");
    expect(totalFeeText(1990n, readFee("0.15")!)).to.equal("2.985");
    expect(totalFeeText(1990n, readFee("0")!)).to.equal("0");
    expect(["0.05", "0.150", "1", "0"].map((text) => feeText(readFee(text)!))).to.deep.equal([
      "0.05",
      "0.15",
      "1",
      "0",
    ]);
    for (const text of ["1.01", "-0.1", "2", "x", "", "1e-7"]) expect(readFee(text), text).to.equal(undefined);
  });
});

function halfEvenModel(units: bigint, scale: number): bigint {
  if (scale <= 2) return units * 10n ** BigInt(2 - scale);
  const divisor = 10n ** BigInt(scale - 2);
  const sign = units < 0n ? -1n : 1n;
  const magnitude = units * sign;
  const floor = magnitude / divisor;
  const twiceRest = (magnitude % divisor) * 2n;
  const isUp = twiceRest > divisor || (twiceRest === divisor && floor % 2n === 1n);
  return sign * (isUp ? floor + 1n : floor);
}
