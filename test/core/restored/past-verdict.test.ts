import { expect } from "chai";
import { judgePast, type PastVerdict, type Testimony } from "../../../core/restored/past-verdict.ts";
import { forSeeds } from "../../support/random.ts";
import { DEFAULT, FALLBACK } from "../../support/terms.ts";

const ABSENT: Testimony = { kind: "absent" };
const FOREIGN: Testimony = { kind: "foreign" };
const UNKNOWN: Testimony = { kind: "unknown" };
const at = (requestedAtMs: number): Testimony => ({ kind: "charged", requestedAtMs });

function charged(processor: number, requestedAtMs: number, isTwice = false): PastVerdict {
  return { kind: "charged", processor, requestedAtMs, isTwice };
}

const OPEN: PastVerdict = { kind: "open" };
const FREE: PastVerdict = { kind: "free" };

describe("verdict on a payment's past", () => {
  const rows: [Testimony, Testimony, PastVerdict, PastVerdict][] = [
    // default, fallback, early, late
    [at(7), ABSENT, charged(DEFAULT, 7), charged(DEFAULT, 7)],
    [ABSENT, at(7), charged(FALLBACK, 7), charged(FALLBACK, 7)],
    [at(7), FOREIGN, charged(DEFAULT, 7), charged(DEFAULT, 7)],
    [FOREIGN, at(7), charged(FALLBACK, 7), charged(FALLBACK, 7)],
    [at(7), UNKNOWN, OPEN, charged(DEFAULT, 7)],
    [UNKNOWN, at(7), OPEN, charged(FALLBACK, 7)],
    [at(7), at(8), charged(DEFAULT, 7, true), charged(DEFAULT, 7, true)],
    [at(8), at(7), charged(FALLBACK, 7, true), charged(FALLBACK, 7, true)],
    [at(7), at(7), charged(DEFAULT, 7, true), charged(DEFAULT, 7, true)],
    [ABSENT, ABSENT, OPEN, FREE],
    [ABSENT, FOREIGN, OPEN, FREE],
    [FOREIGN, ABSENT, OPEN, FREE],
    [FOREIGN, FOREIGN, OPEN, FREE],
    [ABSENT, UNKNOWN, OPEN, OPEN],
    [UNKNOWN, ABSENT, OPEN, OPEN],
    [FOREIGN, UNKNOWN, OPEN, OPEN],
    [UNKNOWN, FOREIGN, OPEN, OPEN],
    [UNKNOWN, UNKNOWN, OPEN, OPEN],
  ];
  for (const [first, second, early, late] of rows) {
    it(`${first.kind} and ${second.kind}: ${early.kind} early, ${late.kind} late`, () => {
      expect(judgePast([first, second], false)).to.deep.equal(early);
      expect(judgePast([first, second], true)).to.deep.equal(late);
    });
  }

  it("is the same of any number: who charges first counts, and one that does not say keeps it open", () => {
    forSeeds(200, (random) => {
      const testimonies = Array.from({ length: random.between(1, 16) }, () =>
        random.pick([ABSENT, FOREIGN, ...(random.chance(0.3) ? [UNKNOWN] : []), at(random.below(5))]),
      );
      const timeOf = (testimony: Testimony) => (testimony.kind === "charged" ? testimony.requestedAtMs : 9);
      const firstMs = Math.min(...testimonies.map(timeOf));
      const charges = testimonies.filter(({ kind }) => kind === "charged").length;
      const first = testimonies.findIndex((testimony) => timeOf(testimony) === firstMs);
      const certain = charges > 0 ? charged(first, firstMs, charges > 1) : FREE;
      const isOpen = testimonies.includes(UNKNOWN);
      expect(judgePast(testimonies, true)).to.deep.equal(isOpen && charges === 0 ? OPEN : certain);
      expect(judgePast(testimonies, false)).to.deep.equal(isOpen || charges === 0 ? OPEN : certain);
    });
  });

  it("has a row for every pair of testimonies", () => {
    expect(new Set(rows.map(([first, second]) => `${first.kind} ${second.kind}`)).size).to.equal(16);
  });
});
