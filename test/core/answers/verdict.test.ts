import { expect } from "chai";
import * as Verdict from "../../../core/answers/verdict.ts";
import { ALL_ENDED, mayStillLand, NOTHING_SENT, ONE_MAY_LAND, signOf } from "../../../core/answers/verdict.ts";
import * as Outcome from "../../../core/values/outcome.ts";

const NAMES = {
  charged: Verdict.CHARGED,
  refused: Verdict.REFUSED,
  foreign: Verdict.FOREIGN,
  ended: Verdict.ENDED,
  "may land": Verdict.MAY_LAND,
} as const;
type Name = keyof typeof NAMES;

/** Outcome, then the verdicts with nothing sent before, with ended attempts, with one that may land. */
const POSTS: readonly (readonly [number, Name, Name, Name])[] = [
  [Outcome.CHARGED, "charged", "charged", "charged"],
  [Outcome.FAILING, "refused", "ended", "may land"],
  [Outcome.OVERLOADED, "refused", "ended", "may land"],
  [Outcome.REJECTED, "refused", "ended", "may land"],
  [Outcome.MISCONFIGURED, "refused", "ended", "may land"],
  [Outcome.UNREACHABLE, "refused", "ended", "may land"],
  [Outcome.NO_SOCKET, "refused", "ended", "may land"],
  [Outcome.ALREADY_CHARGED, "ended", "ended", "may land"],
  [Outcome.ERRED, "ended", "ended", "may land"],
  [Outcome.UNCLEAR, "ended", "ended", "may land"],
  [Outcome.GARBLED, "ended", "ended", "may land"],
  [Outcome.TIMED_OUT, "may land", "may land", "may land"],
  [Outcome.RESET, "may land", "may land", "may land"],
  [Outcome.DROPPED, "may land", "may land", "may land"],
  [Outcome.GATEWAY_FAILED, "may land", "may land", "may land"],
  [Outcome.UNEXPECTED, "may land", "may land", "may land"],
  [Outcome.ADMITTED, "may land", "may land", "may land"],
  [Outcome.LOST, "may land", "may land", "may land"],
  [Outcome.ASKED, "may land", "may land", "may land"],
];

const LOOKUPS: readonly (readonly [number, Name, Name])[] = [
  [Outcome.FOUND, "charged", "charged"],
  [Outcome.FOREIGN, "foreign", "foreign"],
  [Outcome.NOT_FOUND, "refused", "may land"],
  [Outcome.NOT_TOLD, "ended", "may land"],
  [Outcome.UNREADABLE, "ended", "may land"],
  [Outcome.DISPUTED, "ended", "may land"],
];

describe("verdict", () => {
  for (const [outcome, nothing, ended, mayLand] of POSTS) {
    const verdicts = `${nothing}; after ended ones ${ended}; else ${mayLand}`;
    it(`on a POST that ends in "${Outcome.NAMES[outcome]}" is ${verdicts}`, () => {
      expect(Verdict.on(outcome, NOTHING_SENT)).to.equal(NAMES[nothing]);
      expect(Verdict.on(outcome, ALL_ENDED)).to.equal(NAMES[ended]);
      expect(Verdict.on(outcome, ONE_MAY_LAND)).to.equal(NAMES[mayLand]);
      expect(mayStillLand(outcome)).to.equal(nothing === "may land");
    });
  }

  for (const [outcome, ended, mayLand] of LOOKUPS) {
    it(`on a lookup that ends in "${Outcome.NAMES[outcome]}" is ${ended} after ended attempts, else ${mayLand}`, () => {
      expect(Verdict.on(outcome, ALL_ENDED)).to.equal(NAMES[ended]);
      expect(Verdict.on(outcome, ONE_MAY_LAND)).to.equal(NAMES[mayLand]);
    });
  }

  it("never frees a payment of which an attempt may land, nor counts one without the processor's word", () => {
    for (const outcome of Outcome.NAMES.keys()) {
      const isRequests = POSTS.some(([post]) => post === outcome) || LOOKUPS.some(([lookup]) => lookup === outcome);
      if (!isRequests) continue;
      const verdict = Verdict.on(outcome, ONE_MAY_LAND);
      expect(verdict).to.not.equal(Verdict.REFUSED);
      if (verdict === Verdict.CHARGED) expect([Outcome.CHARGED, Outcome.FOUND]).to.include(outcome);
    }
  });

  it("is not given on what no request ends in", () => {
    for (const outcome of [Outcome.NONE, Outcome.GAVE_UP, Outcome.NOT_CHARGED, Outcome.SETTLED_BY_HAND, 200]) {
      expect(() => Verdict.on(outcome, NOTHING_SENT)).to.throw("an outcome has a verdict");
    }
    expect(() => Verdict.on(Outcome.NOT_FOUND, NOTHING_SENT)).to.throw("an outcome has a verdict");
  });

  it("tells what an outcome says of the processor", () => {
    const signs = Object.fromEntries(POSTS.map(([outcome]) => [Outcome.NAMES[outcome], signOf(outcome)]));
    expect(signs).to.deep.equal({
      charged: "works",
      failing: "fails",
      overloaded: "full",
      rejected: "odd",
      misconfigured: "fails",
      unreachable: "fails",
      "no socket": "full",
      "already charged": "silent",
      "server error": "broke",
      "unclear answer": "silent",
      "garbled success": "fails",
      "timed out": "fails",
      "connection reset": "broke",
      "kept connection dropped": "silent",
      "gateway failed": "fails",
      "unexpected answer": "fails",
      admitted: "silent",
      lost: "fails",
      "asked again": "fails",
    });
  });
});
