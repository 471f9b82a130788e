/** What became of a payment that came in. */
export const ACCEPTED_NEW = 0;
/** Same correlationId, same amount: nothing changes. */
export const DUPLICATE = 1;
/** Same correlationId, another amount: nothing changes. */
export const CONFLICT = 2;
/** No room: nothing changes. */
export const FULL = 3;
export type AcceptResult = typeof ACCEPTED_NEW | typeof DUPLICATE | typeof CONFLICT | typeof FULL;
