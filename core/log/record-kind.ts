/** Kinds of records; what each means: record.ts. To be imported as `Kind`. The numbers are in journals. */
export const ACCEPTED = 1;
export const SENDING = 2;
export const REFUSED = 3;
export const DOUBTED = 4;
export const PROCESSED = 5;
export const FAILED = 6;
export const PURGED = 7;
/** Only in checkpoints: see checkpoint.ts. */
export const SLICE = 8;
export const EVICTED = 9;
export const WATERMARK = 10;
export const CLOCK = 11;
export const SENT = 12;
