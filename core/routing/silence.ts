/** Nothing heard for so long, or for as long as an answer takes, while attempts are out: the processor hangs. */
const SILENT_MS_MIN = 200;
const SILENT_MS_MAX = 3000;
/** While it hangs, one attempt in so long finds out whether it still does. */
const LOOK_EVERY_MS = 250;

/**
 * Whether a processor that counts as working hangs: attempts are out, and no answer comes. More of them would only hang
 * too, so it gets one now and then. Once one of these is answered, those before it are stuck: their answers come late
 * or never, and they are no sign of how many the processor bears.
 */
export class Silence {
  #outCount = 0;
  #heardAtMs = 0;
  #beganAtMs = Number.NEGATIVE_INFINITY;
  #isHanging = false;
  /** When it was seen to hang. */
  #hangsSinceMs = 0;
  /** Attempts that began before this are stuck: so many are still out. */
  #stuckBeforeMs = Number.NEGATIVE_INFINITY;
  #stuckCount = 0;

  get stuckCount(): number {
    return this.#stuckCount;
  }

  /** `usualMs`: how long an answer takes. Hot. */
  isHanging(usualMs: number, nowMs: number): boolean {
    if (this.#isHanging || this.#outCount === this.#stuckCount) return this.#isHanging;
    const silentMs = Math.min(Math.max(SILENT_MS_MIN, usualMs), SILENT_MS_MAX);
    if (nowMs - this.#heardAtMs < silentMs) return false;
    this.#isHanging = true;
    this.#hangsSinceMs = nowMs;
    return true;
  }

  /** Whether it is time for another attempt at a processor that hangs. */
  isLookDue(nowMs: number): boolean {
    return nowMs - this.#beganAtMs >= LOOK_EVERY_MS;
  }

  began(nowMs: number): void {
    // As long as nothing is out, nothing can be heard.
    if (this.#outCount === this.#stuckCount) this.#heardAtMs = nowMs;
    this.#outCount++;
    this.#beganAtMs = nowMs;
  }

  /** An attempt is over, answered or not. */
  ended(beganAtMs: number): void {
    this.#outCount--;
    if (beganAtMs < this.#stuckBeforeMs && this.#stuckCount > 0) this.#stuckCount--;
    if (this.#outCount === this.#stuckCount) this.#isHanging = false;
  }

  /** The attempt that has just ended was answered, whatever it was. */
  answered(beganAtMs: number, nowMs: number): void {
    if (this.#isHanging && beganAtMs >= this.#hangsSinceMs) this.overtaken(nowMs);
    this.#heardAtMs = nowMs;
    this.#isHanging = false;
  }

  /** A later attempt was answered than all that are out. */
  overtaken(nowMs: number): void {
    this.#stuckCount = this.#outCount;
    this.#stuckBeforeMs = nowMs;
  }
}
