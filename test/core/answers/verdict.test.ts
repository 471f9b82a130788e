import { expect } from "chai";
import {
  ALL_ENDED,
  mayStillLand,
  NOTHING_SENT,
  ONE_MAY_LAND,
  signOf,
  VERDICT_CHARGED,
  VERDICT_ENDED,
  VERDICT_FOREIGN,
  VERDICT_MAY_LAND,
  VERDICT_REFUSED,
  verdictOn,
} from "../../../core/answers/verdict.ts";
import {
  ADMITTED,
  ALREADY_CHARGED,
  CHARGED,
  DISPUTED,
  DROPPED,
  ERRED,
  FAILING,
  FOREIGN,
  FOUND,
  GARBLED,
  GATEWAY_FAILED,
  GAVE_UP,
  LOST,
  MISCONFIGURED,
  NO_OUTCOME,
  NO_SOCKET,
  NOT_CHARGED,
  NOT_FOUND,
  NOT_TOLD,
  OUTCOME_NAMES,
  OVERLOADED,
  REJECTED,
  RESET,
  SETTLED_BY_HAND,
  TIMED_OUT,
  UNCLEAR,
  UNEXPECTED,
  UNREACHABLE,
  UNREADABLE,
} from "../../../core/values/payment.ts";

const NAMES = {
  charged: VERDICT_CHARGED,
  refused: VERDICT_REFUSED,
  foreign: VERDICT_FOREIGN,
  ended: VERDICT_ENDED,
  "may land": VERDICT_MAY_LAND,
} as const;
type Name = keyof typeof NAMES;

/** Outcome, then the verdicts with nothing sent before, with ended attempts, with one that may land. */
const POSTS: readonly (readonly [number, Name, Name, Name])[] = [
  [CHARGED, "charged", "charged", "charged"],
  [FAILING, "refused", "ended", "may land"],
  [OVERLOADED, "refused", "ended", "may land"],
  [REJECTED, "refused", "ended", "may land"],
  [MISCONFIGURED, "refused", "ended", "may land"],
  [UNREACHABLE, "refused", "ended", "may land"],
  [NO_SOCKET, "refused", "ended", "may land"],
  [ALREADY_CHARGED, "ended", "ended", "may land"],
  [ERRED, "ended", "ended", "may land"],
  [UNCLEAR, "ended", "ended", "may land"],
  [GARBLED, "ended", "ended", "may land"],
  [TIMED_OUT, "may land", "may land", "may land"],
  [RESET, "may land", "may land", "may land"],
  [DROPPED, "may land", "may land", "may land"],
  [GATEWAY_FAILED, "may land", "may land", "may land"],
  [UNEXPECTED, "may land", "may land", "may land"],
  [ADMITTED, "may land", "may land", "may land"],
  [LOST, "may land", "may land", "may land"],
];

const LOOKUPS: readonly (readonly [number, Name, Name])[] = [
  [FOUND, "charged", "charged"],
  [FOREIGN, "foreign", "foreign"],
  [NOT_FOUND, "refused", "may land"],
  [NOT_TOLD, "ended", "may land"],
  [UNREADABLE, "ended", "may land"],
  [DISPUTED, "ended", "may land"],
];

describe("verdict", () => {
  for (const [outcome, nothing, ended, mayLand] of POSTS) {
    const verdicts = `${nothing}; after ended ones ${ended}; else ${mayLand}`;
    it(`on a POST that ends in "${OUTCOME_NAMES[outcome]}" is ${verdicts}`, () => {
      expect(verdictOn(outcome, NOTHING_SENT)).to.equal(NAMES[nothing]);
      expect(verdictOn(outcome, ALL_ENDED)).to.equal(NAMES[ended]);
      expect(verdictOn(outcome, ONE_MAY_LAND)).to.equal(NAMES[mayLand]);
      expect(mayStillLand(outcome)).to.equal(nothing === "may land");
    });
  }

  for (const [outcome, ended, mayLand] of LOOKUPS) {
    it(`on a lookup that ends in "${OUTCOME_NAMES[outcome]}" is ${ended} after ended attempts, else ${mayLand}`, () => {
      expect(verdictOn(outcome, ALL_ENDED)).to.equal(NAMES[ended]);
      expect(verdictOn(outcome, ONE_MAY_LAND)).to.equal(NAMES[mayLand]);
    });
  }

  it("never frees a payment of which an attempt may land, nor counts one without the processor's word", () => {
    for (const outcome of OUTCOME_NAMES.keys()) {
      const isRequests = POSTS.some(([post]) => post === outcome) || LOOKUPS.some(([lookup]) => lookup === outcome);
      if (!isRequests) continue;
      const verdict = verdictOn(outcome, ONE_MAY_LAND);
      expect(verdict).to.not.equal(VERDICT_REFUSED);
      if (verdict === VERDICT_CHARGED) expect([CHARGED, FOUND]).to.include(outcome);
    }
  });

  it("is not given on what no request ends in", () => {
    for (const outcome of [NO_OUTCOME, GAVE_UP, NOT_CHARGED, SETTLED_BY_HAND, 200]) {
      expect(() => verdictOn(outcome, NOTHING_SENT)).to.throw("an outcome has a verdict");
    }
    expect(() => verdictOn(NOT_FOUND, NOTHING_SENT)).to.throw("an outcome has a verdict");
  });

  it("tells what an outcome says of the processor", () => {
    const signs = Object.fromEntries(POSTS.map(([outcome]) => [OUTCOME_NAMES[outcome], signOf(outcome)]));
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
    });
  });
});
