import { expect } from "chai";
import fc from "fast-check";
import { feeCents, readFee } from "../../../server/text/fee.ts";

describe("fees", () => {
  it("are shares of a total, to the cent, half to even", () => {
    expect(feeCents(1990, readFee("0.05")!)).to.equal(100); // 99.5
    expect(feeCents(1970, readFee("0.05")!)).to.equal(98); // 98.5
    expect(feeCents(1990, readFee("0.15")!)).to.equal(298); // 298.5
    expect(feeCents(0, readFee("1")!)).to.equal(0);
    expect(feeCents(2 ** 53 - 1, readFee("1")!)).to.equal(2 ** 53 - 1);
    expect(feeCents(2 ** 53 - 1, readFee("0")!)).to.equal(0);
  });

  it("are exact where floating point is not", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 53 - 1 }),
        fc.integer({ min: 0, max: 1_000_000 }),
        (cents, millionths) => {
          const text = millionths === 1_000_000 ? "1" : `0.${String(millionths).padStart(6, "0")}`;
          const fee = BigInt(feeCents(cents, readFee(text)!));
          const twiceOff = 2n * (fee * 1_000_000n - BigInt(cents) * BigInt(millionths));
          expect(twiceOff >= -1_000_000n && twiceOff <= 1_000_000n).to.equal(true);
          if (twiceOff === 1_000_000n || twiceOff === -1_000_000n) expect(fee % 2n).to.equal(0n);
        },
      ),
    );
  });

  it("are plain decimals from 0 to 1", () => {
    for (const text of ["", "x", "1.01", "-0.1", ".5", "1e-2", "0.", "2", "0.1234567890123"]) {
      expect(readFee(text), text).to.equal(undefined);
    }
  });
});
