import type { Clocks } from "../system/time.ts";
import type { Member } from "./database.ts";
import { LEASE_MS, RENEW_MS } from "./lease-terms.ts";

/** Whoever was told nothing for longer does not know who renewed meanwhile, and lets everybody begin again. */
const UNINFORMED_MS = RENEW_MS + 500;

/** A member, and since when it is known to have renewed no more. */
type Seen = { renewal: string; sinceMs: number };

/**
 * Which members' leases have lapsed, by this instance's own monotonic clock: a renewal that is seen for the length of a
 * lease was sent even longer ago, and no other has followed it. No two machines' clocks are compared, so that a clock
 * which was set, or a new primary's, cannot end a lease early.
 */
export class Lapses {
  readonly #time: Clocks;
  #seen = new Map<string, Seen>();
  #notedAtMs = Number.NEGATIVE_INFINITY;

  constructor(time: Clocks) {
    this.#time = time;
  }

  /** Takes in how things are now. */
  note(members: readonly Member[]): void {
    const nowMs = this.#time.monotonicMs();
    const isUninformed = nowMs - this.#notedAtMs > UNINFORMED_MS;
    this.#notedAtMs = nowMs;
    this.#seen = new Map(
      members.map(({ life, renewal }) => {
        const before = isUninformed ? undefined : this.#seen.get(life);
        return [life, before?.renewal === renewal ? before : { renewal, sinceMs: nowMs }];
      }),
    );
  }

  /** The last renewal of a member, as far as is known; undefined where it is gone. */
  renewalOf(life: string): string | undefined {
    return this.#seen.get(life)?.renewal;
  }

  /**
   * How long until the member's lease has lapsed, if it is not renewed; 0 or less: it has. Not while this instance is
   * told nothing itself: where nobody can renew, because the database is away, nobody is to be ended for it.
   */
  lapsesInMs(life: string): number {
    const seen = this.#seen.get(life);
    if (seen === undefined) return 0;
    const nowMs = this.#time.monotonicMs();
    return nowMs - this.#notedAtMs > UNINFORMED_MS ? LEASE_MS : seen.sinceMs + LEASE_MS - nowMs;
  }

  /** It was expelled. */
  forget(life: string): void {
    this.#seen.delete(life);
  }
}
