import type { HttpResponse } from "uWebSockets.js";
import type { Clocks } from "../system/time.ts";

/** A reader that has not made room for this long is given up: it may come back. */
const BEHIND_MS_MAX = 1000;

/**
 * An open answer that lines are written to. What the kernel does not take at once is kept by uWS: at most one line, as
 * nothing more is written to a reader that is behind. It is told how things are once it has caught up.
 */
export class BulletinReader {
  readonly #res: HttpResponse;
  readonly #clocks: Clocks;
  readonly #onGone: () => void;
  #behindSinceMs: number | undefined;
  #isGone = false;

  /** `newest` says how things are. `onGone`: the answer has ended, from whichever side. */
  constructor(res: HttpResponse, clocks: Clocks, newest: () => string | undefined, onGone: () => void) {
    this.#res = res;
    this.#clocks = clocks;
    this.#onGone = onGone;
    res.onAborted(() => this.#gone());
    res.onWritable(() => {
      const line = newest();
      this.#behindSinceMs = undefined;
      if (line !== undefined) this.#write(line);
      return true;
    });
    res.writeStatus("200 OK");
    res.writeHeader("Content-Type", "application/x-ndjson");
  }

  tell(line: string): void {
    if (this.#behindSinceMs === undefined) this.#write(line);
    else if (this.#clocks.monotonicMs() - this.#behindSinceMs > BEHIND_MS_MAX) this.drop();
  }

  /** Ends the answer at once. */
  drop(): void {
    if (!this.#isGone) this.#res.close();
  }

  #write(line: string): void {
    if (this.#isGone) return;
    this.#res.cork(() => {
      if (!this.#res.write(line)) this.#behindSinceMs = this.#clocks.monotonicMs();
    });
  }

  #gone(): void {
    this.#isGone = true;
    this.#onGone();
  }
}
