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
  LOST,
  MISCONFIGURED,
  NO_SOCKET,
  NOT_FOUND,
  NOT_TOLD,
  OUTCOME_NAMES,
  OVERLOADED,
  REJECTED,
  RESET,
  TIMED_OUT,
  UNCLEAR,
  UNEXPECTED,
  UNREACHABLE,
  UNREADABLE,
} from "../values/payment.ts";

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
export const VERDICT_CHARGED = 0;
/** Certainly not charged there. */
export const VERDICT_REFUSED = 1;
export const VERDICT_FOREIGN = 2;
export const VERDICT_ENDED = 3;
export const VERDICT_MAY_LAND = 4;
export type Verdict =
  | typeof VERDICT_CHARGED
  | typeof VERDICT_REFUSED
  | typeof VERDICT_FOREIGN
  | typeof VERDICT_ENDED
  | typeof VERDICT_MAY_LAND;

/** What was sent to the processor before. */
export const NOTHING_SENT = 0;
export const ALL_ENDED = 1;
export const ONE_MAY_LAND = 2;
export type SentBefore = typeof NOTHING_SENT | typeof ALL_ENDED | typeof ONE_MAY_LAND;

/** Columns by SentBefore. */
type Row = readonly [Verdict | undefined, Verdict, Verdict];

const OURS: Row = [VERDICT_CHARGED, VERDICT_CHARGED, VERDICT_CHARGED];
const STRANGERS: Row = [VERDICT_FOREIGN, VERDICT_FOREIGN, VERDICT_FOREIGN];
const REFUSAL: Row = [VERDICT_REFUSED, VERDICT_ENDED, VERDICT_MAY_LAND];
const NOT_SAID: Row = [VERDICT_ENDED, VERDICT_ENDED, VERDICT_MAY_LAND];
const NO_ANSWER: Row = [VERDICT_MAY_LAND, VERDICT_MAY_LAND, VERDICT_MAY_LAND];
const LOOKED_UP_IN_VAIN: Row = [undefined, VERDICT_REFUSED, VERDICT_MAY_LAND];
const LOOKUP_WITHOUT_WORD: Row = [undefined, VERDICT_ENDED, VERDICT_MAY_LAND];

const ROWS: Readonly<Record<number, Row>> = {
  [CHARGED]: OURS,
  [FOUND]: OURS,
  [FOREIGN]: STRANGERS,
  [FAILING]: REFUSAL,
  [OVERLOADED]: REFUSAL,
  [REJECTED]: REFUSAL,
  [MISCONFIGURED]: REFUSAL,
  [UNREACHABLE]: REFUSAL,
  [NO_SOCKET]: REFUSAL,
  [ALREADY_CHARGED]: NOT_SAID,
  [ERRED]: NOT_SAID,
  [UNCLEAR]: NOT_SAID,
  [GARBLED]: NOT_SAID,
  [TIMED_OUT]: NO_ANSWER,
  [RESET]: NO_ANSWER,
  [DROPPED]: NO_ANSWER,
  [LOST]: NO_ANSWER,
  [ADMITTED]: NO_ANSWER,
  [UNEXPECTED]: NO_ANSWER,
  [GATEWAY_FAILED]: NO_ANSWER,
  [NOT_FOUND]: LOOKED_UP_IN_VAIN,
  [NOT_TOLD]: LOOKUP_WITHOUT_WORD,
  [UNREADABLE]: LOOKUP_WITHOUT_WORD,
  [DISPUTED]: LOOKUP_WITHOUT_WORD,
};

/** The verdict on a payment. Throws for an outcome that no request ends in. */
export function verdictOn(outcome: number, before: SentBefore): Verdict {
  const verdict = ROWS[outcome]?.[before];
  if (verdict === undefined) {
    throw new Error(`an outcome has a verdict: outcome=${OUTCOME_NAMES[outcome] ?? outcome} before=${before}`);
  }
  return verdict;
}

/** Whether an attempt with this outcome may still land at the processor. */
export function mayStillLand(outcome: number): boolean {
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
  [CHARGED]: "works",
  [RESET]: "broke",
  [ERRED]: "broke",
  [OVERLOADED]: "full",
  [NO_SOCKET]: "full",
  [REJECTED]: "odd",
  [ALREADY_CHARGED]: "silent",
  [UNCLEAR]: "silent",
  [ADMITTED]: "silent",
  [DROPPED]: "silent",
};

/** Hot. */
export function signOf(outcome: number): Sign {
  return SIGNS[outcome] ?? "fails";
}
