import type { ChargeLookup } from "../sending/charge-lookup.ts";
import type { Told } from "../sending/told-charge.ts";

const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 5000;
const NOT_TOLD: Told = { kind: "not told" };

/**
 * Spares a processor that does not answer, and those who wait for it: after a question without an answer there is one
 * at a time, at 100 ms doubling to 5 s, and all others are not told at once.
 */
export class PatientLookup {
  readonly #lookup: ChargeLookup;
  readonly #nowMs: () => number;
  #pauseMs = 0;
  #pausedUntilMs = 0;
  #isTrying = false;

  constructor(lookup: ChargeLookup, nowMs: () => number = () => performance.now()) {
    this.#lookup = lookup;
    this.#nowMs = nowMs;
  }

  /** Whether the last question had an answer. */
  get isTelling(): boolean {
    return this.#pauseMs === 0;
  }

  /** Never rejects. */
  async ask(correlationId: string): Promise<Told> {
    if (!this.isTelling && (this.#isTrying || this.#nowMs() < this.#pausedUntilMs)) return NOT_TOLD;
    const isTry = !this.isTelling;
    if (isTry) this.#isTrying = true;
    const told = await this.#lookup.ask(correlationId);
    if (isTry) this.#isTrying = false;
    // Questions that were out together fail together: that is one failure.
    if (told.kind !== "not told") this.#pauseMs = 0;
    else if (isTry || this.isTelling) this.#pause();
    return told;
  }

  close(): void {
    this.#lookup.close();
  }

  #pause(): void {
    this.#pauseMs = Math.min(Math.max(this.#pauseMs * 2, PAUSE_MS_MIN), PAUSE_MS_MAX);
    this.#pausedUntilMs = this.#nowMs() + this.#pauseMs;
  }
}
