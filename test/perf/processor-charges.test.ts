import { expect } from "chai";
import fc from "fast-check";
import { Charges, everything } from "../../perf/processor/charges.ts";
import { readCorrelationId } from "../../perf/processor/correlation-id.ts";

/** Ids that count up: the worst for a hash that does not mix. */
function idOf(n: number): Uint32Array {
  return readCorrelationId(`00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`)!;
}

describe("processor charges", () => {
  it("charges a correlationId once", () => {
    const charges = new Charges();
    expect(charges.charge(idOf(1), 1990, 5)).to.equal("charged");
    expect(charges.charge(idOf(1), 10, 6)).to.equal("duplicate");
    expect(charges.count).to.equal(1);
    expect(charges.find(idOf(1))).to.deep.equal({
      correlationId: "00000000-0000-4000-8000-000000000001",
      amountCents: 1990,
      requestedAtUs: 5,
    });
    expect(charges.find(idOf(2))).to.equal(undefined);
  });

  it("counts both ends of a window, and nothing beyond them", () => {
    const charges = new Charges();
    for (const us of [10, 20, 30]) charges.charge(idOf(us), 100, us);
    expect(charges.totals({ fromUs: 10, toUs: 30 })).to.deep.equal({ count: 3, cents: 300n });
    expect(charges.totals({ fromUs: 11, toUs: 30 })).to.deep.equal({ count: 2, cents: 200n });
    expect(charges.totals({ fromUs: 10, toUs: 29 })).to.deep.equal({ count: 2, cents: 200n });
    expect(charges.totals({ fromUs: 20, toUs: 20 })).to.deep.equal({ count: 1, cents: 100n });
    expect(charges.totals({ fromUs: 30, toUs: 10 })).to.deep.equal({ count: 0, cents: 0n });
  });

  it("sums to the cent where doubles cannot", () => {
    const charges = new Charges();
    const count = 20_000;
    for (let n = 0; n < count; n++) charges.charge(idOf(n), 1e12 - (n % 2), n);
    const { cents } = charges.totals(everything);
    expect(cents).to.equal(BigInt(count) * 10n ** 12n - BigInt(count / 2));
    expect(cents > BigInt(Number.MAX_SAFE_INTEGER)).to.equal(true);
  });

  it("forgets everything when purged, and starts again", () => {
    const charges = new Charges();
    for (let n = 0; n < 10_000; n++) charges.charge(idOf(n), 100, n);
    charges.purge();
    expect(charges.count).to.equal(0);
    expect(charges.find(idOf(1))).to.equal(undefined);
    expect(charges.totals(everything)).to.deep.equal({ count: 0, cents: 0n });
    expect(charges.charge(idOf(1), 100, 1)).to.equal("charged");
    expect(charges.totals(everything)).to.deep.equal({ count: 1, cents: 100n });
  });

  it("lists a window in pages that join without a gap or an overlap, over many blocks", () => {
    const charges = new Charges();
    const count = 30_000;
    for (let n = 0; n < count; n++) charges.charge(idOf(n), n, n % 3 === 0 ? n : n + 5000);
    const window = { fromUs: 4000, toUs: 25_000 };
    const expected: number[] = [];
    for (let n = 0; n < count; n++) {
      const us = n % 3 === 0 ? n : n + 5000;
      if (us >= window.fromUs && us <= window.toUs) expected.push(n);
    }
    const listed: number[] = [];
    for (let offset = 0; ; offset += 777) {
      const page = charges.list(window, offset, 777);
      listed.push(...page.map((charge) => charge.amountCents));
      if (page.length < 777) break;
    }
    expect(listed).to.deep.equal(expected);
    expect(charges.list(everything, 20_000, 1)[0]?.amountCents).to.equal(20_000);
    expect(charges.list(everything, count, 1)).to.deep.equal([]);
  });

  it("agrees with a Map under any mix of charges, windows and purges", () => {
    const operation = fc.oneof(
      { weight: 50, arbitrary: fc.record({ charge: fc.nat(300), cents: fc.nat(1_000_000), us: fc.nat(1000) }) },
      { weight: 10, arbitrary: fc.record({ fromUs: fc.nat(1000), toUs: fc.nat(1000) }) },
      { weight: 1, arbitrary: fc.constant("purge" as const) },
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 400 }), (operations) => {
        const charges = new Charges();
        const model = new Map<number, { cents: number; us: number }>();
        for (const step of operations) {
          if (step === "purge") {
            charges.purge();
            model.clear();
          } else if ("charge" in step) {
            const expected = model.has(step.charge) ? "duplicate" : "charged";
            expect(charges.charge(idOf(step.charge), step.cents, step.us)).to.equal(expected);
            if (expected === "charged") model.set(step.charge, step);
          } else {
            const inside = [...model.values()].filter(({ us }) => us >= step.fromUs && us <= step.toUs);
            const cents = inside.reduce((sum, charge) => sum + BigInt(charge.cents), 0n);
            expect(charges.totals(step)).to.deep.equal({ count: inside.length, cents });
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
