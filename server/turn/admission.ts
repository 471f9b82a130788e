import type { Time } from "../system/time.ts";

/** The event loop has not waited for anything for so long: what it has to do piles up, it is no burst. */
export const BUSY_MS = 100;
/** And so many turns have passed since it waited: a single turn that stood still for long is no overload. */
export const BUSY_TURNS = 5;
/** While it piles up, a turn takes in payments for so long. */
export const TAKING_MS = 20;
/** But at least so many: as few clients may always wait, however slow the machine is. */
export const TAKEN_MIN = 64;

export type AdmissionParts = {
  time: Pick<Time, "monotonicMs" | "atEndOfTurn">;
  /** How long the event loop has waited for something to do since the process began. Never goes back. */
  idleMs: () => number;
};

/**
 * Says no to payments that come in faster than they are accepted, before they queue for longer than anybody waits.
 *
 * Requests wait unread in their sockets, where nobody sees how long the queue is. But an event loop that never has to
 * wait has a queue that never empties, a standing one; all others are bursts (Nichols and Jacobson, "Controlling Queue
 * Delay", 2012; with an idle moment as the sign: Maurer, "Fail at Scale", 2015). While a queue stands, each turn of the
 * loop accepts payments for TAKING_MS, and at least TAKEN_MIN, and refuses the rest of those that it reads, which costs
 * little: so what is accepted has waited for about one turn, and the turns stay short.
 */
export class Admission {
  readonly #parts: AdmissionParts;
  #isInTurn = false;
  #turnBeganAtMs = 0;
  #takenInTurn = 0;
  /** When the first turn began after the loop had waited, and how many have begun since. */
  #busySinceMs = 0;
  #busyTurnCount = 0;
  /** When the last turn began; no turn has begun yet. */
  #idleMs = -1;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** Whether the payment that has just been read is one too many. To be asked of each. Hot: one clock reading. */
  isTooMany(): boolean {
    const nowMs = this.#parts.time.monotonicMs();
    if (!this.#isInTurn) this.#begin(nowMs);
    const isEnough = this.#takenInTurn >= TAKEN_MIN && nowMs - this.#turnBeganAtMs > TAKING_MS;
    if (isEnough && this.#isStanding(nowMs)) return true;
    this.#takenInTurn++;
    return false;
  }

  #isStanding(nowMs: number): boolean {
    return this.#busyTurnCount > BUSY_TURNS && nowMs - this.#busySinceMs > BUSY_MS;
  }

  #begin(nowMs: number): void {
    const idleMs = this.#parts.idleMs();
    if (idleMs > this.#idleMs) {
      this.#busyTurnCount = 0;
      this.#busySinceMs = nowMs;
      this.#idleMs = idleMs;
    }
    this.#busyTurnCount++;
    this.#isInTurn = true;
    this.#turnBeganAtMs = nowMs;
    this.#takenInTurn = 0;
    this.#parts.time.atEndOfTurn(this.#end);
  }

  readonly #end = (): void => {
    this.#isInTurn = false;
  };
}
