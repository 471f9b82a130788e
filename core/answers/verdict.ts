import type { OutcomeCode } from "../values/number-types.ts";
import * as Outcome from "../values/outcome.ts";

/**
 * What an outcome means for a payment, by what was sent to the same processor before it. Only proof counts: whatever
 * does not prove that a payment was charged, or that it was not, leaves it in doubt.
 *
 *                              │ before it, at this processor:
 *   what came                  │ nothing           attempts that ended      one that may still land
 *   ───────────────────────────┼───────────────────────────────────────────────────────────────────
 *   a charge that is ours      │ charged           charged                  charged
 *   a charge that is not ours  │ foreign           foreign                  foreign
 *   a refusal of this POST     │ refused           doubt, ended             doubt, may land
 *   an answer that does not    │ doubt, ended      doubt, ended             doubt, may land
 *     say: 422, 409, 500 "…"   │
 *   no answer of the           │ doubt, may land   doubt, may land          doubt, may land
 *     processor: timeout, 502  │
 *   a lookup: not found        │ –                 refused                  doubt, may land
 *   a lookup: nothing usable   │ –                 doubt, ended             doubt, may land
 *
 * *Ended*: the processor has answered, so nothing of the attempt is still under way; a 404 of a lookup then proves that
 * it was not charged.
 * *May land*: the attempt may still be under way, at the processor or before it; a 404 proves nothing, the charge may
 * come later.
 * A POST that finds its payment charged already (422) is looked up too: the charge may be a stranger's.
 */
export const CHARGED = 0;
/** Certainly not charged there. */
export const REFUSED = 1;
export const FOREIGN = 2;
export const ENDED = 3;
export const MAY_LAND = 4;
export type Verdict = typeof CHARGED | typeof REFUSED | typeof FOREIGN | typeof ENDED | typeof MAY_LAND;

/** What was sent to the processor before. */
export const NOTHING_SENT = 0;
export const ALL_ENDED = 1;
export const ONE_MAY_LAND = 2;
export type SentBefore = typeof NOTHING_SENT | typeof ALL_ENDED | typeof ONE_MAY_LAND;

/** Columns by SentBefore. */
type Row = readonly [Verdict | undefined, Verdict, Verdict];

const OURS: Row = [CHARGED, CHARGED, CHARGED];
const STRANGERS: Row = [FOREIGN, FOREIGN, FOREIGN];
const REFUSAL: Row = [REFUSED, ENDED, MAY_LAND];
const NOT_SAID: Row = [ENDED, ENDED, MAY_LAND];
const NO_ANSWER: Row = [MAY_LAND, MAY_LAND, MAY_LAND];
const LOOKED_UP_IN_VAIN: Row = [undefined, REFUSED, MAY_LAND];
const LOOKUP_WITHOUT_WORD: Row = [undefined, ENDED, MAY_LAND];

const ROWS: Readonly<Record<number, Row>> = {
  [Outcome.CHARGED]: OURS,
  [Outcome.FOUND]: OURS,
  [Outcome.FOREIGN]: STRANGERS,
  [Outcome.FAILING]: REFUSAL,
  [Outcome.OVERLOADED]: REFUSAL,
  [Outcome.REJECTED]: REFUSAL,
  [Outcome.MISCONFIGURED]: REFUSAL,
  [Outcome.UNREACHABLE]: REFUSAL,
  [Outcome.NO_SOCKET]: REFUSAL,
  [Outcome.ALREADY_CHARGED]: NOT_SAID,
  [Outcome.ERRED]: NOT_SAID,
  [Outcome.UNCLEAR]: NOT_SAID,
  [Outcome.GARBLED]: NOT_SAID,
  [Outcome.TIMED_OUT]: NO_ANSWER,
  [Outcome.RESET]: NO_ANSWER,
  [Outcome.DROPPED]: NO_ANSWER,
  [Outcome.LOST]: NO_ANSWER,
  [Outcome.ASKED]: NO_ANSWER,
  [Outcome.ADMITTED]: NO_ANSWER,
  [Outcome.UNEXPECTED]: NO_ANSWER,
  [Outcome.GATEWAY_FAILED]: NO_ANSWER,
  [Outcome.NOT_FOUND]: LOOKED_UP_IN_VAIN,
  [Outcome.NOT_TOLD]: LOOKUP_WITHOUT_WORD,
  [Outcome.UNREADABLE]: LOOKUP_WITHOUT_WORD,
  [Outcome.DISPUTED]: LOOKUP_WITHOUT_WORD,
};

/** The verdict on a payment. Throws for an outcome that no request ends in. */
export function on(outcome: OutcomeCode, before: SentBefore): Verdict {
  const verdict = ROWS[outcome]?.[before];
  if (verdict === undefined) {
    throw new Error(`an outcome has a verdict: outcome=${Outcome.NAMES[outcome] ?? outcome} before=${before}`);
  }
  return verdict;
}

/** Whether an attempt with this outcome may still land at the processor. */
export function mayStillLand(outcome: OutcomeCode): boolean {
  return ROWS[outcome] === NO_ANSWER;
}

/**
 * What an outcome of a POST says of the processor, and so of everybody else's payments.
 *
 *   works     it charges
 *   fails     nobody's payment would be charged now
 *   broke     a connection broke, or something in the processor: one is an accident, two in a row are not
 *   full      as many are in flight as it, or this process, can bear
 *   odd       it does not take this payment; when it takes none, it is misconfigured
 *   silent    nothing; what a lookup then finds will say
 */
export type Sign = "works" | "fails" | "broke" | "full" | "odd" | "silent";

const SIGNS: Readonly<Record<number, Sign>> = {
  [Outcome.CHARGED]: "works",
  [Outcome.RESET]: "broke",
  [Outcome.ERRED]: "broke",
  [Outcome.OVERLOADED]: "full",
  [Outcome.NO_SOCKET]: "full",
  [Outcome.REJECTED]: "odd",
  [Outcome.ALREADY_CHARGED]: "silent",
  [Outcome.UNCLEAR]: "silent",
  [Outcome.ADMITTED]: "silent",
  [Outcome.DROPPED]: "silent",
};

/** Hot. */
export function signOf(outcome: OutcomeCode): Sign {
  return SIGNS[outcome] ?? "fails";
}
