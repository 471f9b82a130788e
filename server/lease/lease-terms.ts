/** A lease lasts so long from the moment at which its renewal was sent. */
export const LEASE_MS = 3000;
/** From one renewal's sending to the next. */
export const RENEW_MS = 1000;
/** After a renewal that failed. */
export const RENEW_AGAIN_MS = 200;
/** Two machines' monotonic clocks do not run apart by more within a lease. */
export const DRIFT_MS = 300;
