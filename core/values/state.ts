/**
 * States of a payment; see "Life of a payment" in docs/architecture.md. To be imported as `State`. The numbers are in
 * checkpoints.
 */
export const FREE = 0;
export const PENDING = 1;
export const SENDING = 2;
export const IN_DOUBT = 3;
export const PROCESSED = 4;
export const FAILED = 5;
export const NAMES = ["free", "pending", "sending", "in doubt", "processed", "failed"] as const;
