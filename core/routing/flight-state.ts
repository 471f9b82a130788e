/**
 * Every attempt in flight and every payment in doubt has a place here, called its flight, from the moment before the
 * first byte is sent until it is certain whether it was charged. The table is bounded; while it is full nothing new is
 * sent.
 *
 *          open                  doubt                       due
 *   FREE ───────► POSTING ─────────────► DOUBT ◄───────────────────┐
 *     ▲              │                     │ ask                    │ doubt again
 *     └── close ─────┴──◄── close ─────────┴─► POSTING | LOOKING_UP ┘
 *
 * ORPHAN_POST, ORPHAN_LOOKUP: the payment was purged, or settled by hand, while its answer was still to come; the
 * answer only frees the place.
 */
export const FREE = 0;
export const POSTING = 1;
export const LOOKING_UP = 2;
export const DOUBT = 3;
export const ORPHAN_POST = 4;
export const ORPHAN_LOOKUP = 5;
