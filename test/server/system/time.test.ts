import { expect } from "chai";
import { untilTickMs } from "../../../server/system/time.ts";

describe("ticks", () => {
  it("fall on the same moments, whoever ticks and since when", () => {
    for (const atMs of [0, 0.3, 9.9, 10, 10.1, 19.99, 20, 1234.5]) {
      const leftMs = untilTickMs({ monotonicMs: () => atMs, wallMs: () => 0 }, 20);
      expect((atMs + leftMs) % 20, `at ${atMs}`).to.be.within(0, 0.99);
      expect(leftMs, `at ${atMs}`).to.be.within(10, 30);
      expect(leftMs % 1).to.equal(0);
    }
  });
});
