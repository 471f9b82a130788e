/** A payment with this member is none that the quick reader of plain bodies takes. */
export const SLOW_MEMBER = '"slow":true';
/** Of CPU, that an instance with slow-bodies.ts takes for each of them. */
export const SLOW_MS = 10;
