/**
 * Numbers that must not be taken for each other, told apart by the compiler alone: a plain number passes for any of
 * them, one of them for none of the others.
 */

/** Row of a payment in the ledger; used again once the payment is gone. */
export type Slot = number & { readonly numberType?: "slot" };
/** Number of a payment, from 0, never used again. */
export type Sequence = number & { readonly numberType?: "sequence" };
/** Place of an attempt or a doubt among the flights; used again. */
export type Flight = number & { readonly numberType?: "flight" };
/** One of the constants in outcome.ts. */
export type OutcomeCode = number & { readonly numberType?: "outcome" };

/** A typed array, by what its numbers are. */
export type Column<Of extends number = number> = { [place: number]: Of; readonly length: number };
/** The same for those who only read. */
export type ReadColumn<Of extends number = number> = { readonly [place: number]: Of; readonly length: number };
