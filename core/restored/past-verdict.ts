/**
 * What one processor says of a payment whose records may have been lost.
 *
 *   charged   it has the payment, with our amount, at a time that can be ours
 *   absent    it does not have it, so far
 *   foreign   it has a charge of that id that cannot be ours
 *   unknown   it did not say, or not so that anybody could read it
 */
export type Testimony =
  | { kind: "charged"; requestedAtMs: number }
  | { kind: "absent" }
  | { kind: "foreign" }
  | { kind: "unknown" };

/** `isTwice`: at another processor as well, which nobody can take back here. */
export type FoundCharge = { processor: number; requestedAtMs: number; isTwice: boolean };

export type PastVerdict =
  /** Charged for certain. */
  | ({ kind: "charged" } & FoundCharge)
  /** Charged nowhere: what the log says of the payment holds, and it may be sent. */
  | { kind: "free" }
  /** To be asked about again. */
  | { kind: "open" };

/**
 * What is known of a payment once all processors were asked, in the order of their numbers. `isLate`: they were asked
 * after everything that an earlier life had sent has ended, so that nothing absent can come any more.
 *
 *   charged at        the others say                 early      late
 *   two or more       …                              charged, at the earlier requestedAt; twice
 *   one               absent or foreign, all         charged    charged
 *   one               unknown, one of them           open       charged
 *   none              absent or foreign, all         open       free
 *   none              unknown, one of them           open       open
 *
 * A foreign charge does not keep a payment from being sent: its processor will refuse it, and another one may take it,
 * as ever.
 */
export function judgePast(testimonies: readonly Testimony[], isLate: boolean): PastVerdict {
  const charges = testimonies.flatMap((testimony, processor) =>
    testimony.kind === "charged" ? [{ processor, requestedAtMs: testimony.requestedAtMs }] : [],
  );
  const isOneUnknown = testimonies.some(({ kind }) => kind === "unknown");
  const [first] = charges.sort((a, b) => a.requestedAtMs - b.requestedAtMs);
  if (first === undefined) return isOneUnknown || !isLate ? { kind: "open" } : { kind: "free" };
  const isTwice = charges.length > 1;
  return isOneUnknown && !isLate ? { kind: "open" } : { kind: "charged", ...first, isTwice };
}
