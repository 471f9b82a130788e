import type { HttpResponse } from "uWebSockets.js";
import { Alarm } from "./alarm.ts";
import type { ArrivalLog } from "./arrival-log.ts";
import type { Clock } from "./clock.ts";
import type { HealthWindow } from "./health-window.ts";
import { answerJson, answerTooMany } from "./http.ts";
import type { Settings } from "./settings.ts";

export interface HealthRouteParts {
  readonly arrivals: ArrivalLog;
  readonly window: HealthWindow<HttpResponse>;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly retryAfterSeconds: number;
}

/** GET /payments/service-health: the settings as they are when the answer goes out, not when the call came in. */
export class HealthRoute {
  readonly #parts: HealthRouteParts;
  readonly #alarm: Alarm;

  constructor(parts: HealthRouteParts) {
    this.#parts = parts;
    this.#alarm = new Alarm(parts.clock, (nowMs) => this.#answerDue(nowMs));
  }

  get(res: HttpResponse): void {
    const { arrivals, window, clock, retryAfterSeconds } = this.#parts;
    const nowMs = clock();
    arrivals.record(nowMs);
    this.#answerDue(nowMs);
    const verdict = window.arrive(res, nowMs);
    if (verdict === "granted") {
      this.#answer(res);
      return;
    }
    if (verdict === "refused") {
      answerTooMany(res, retryAfterSeconds);
      return;
    }
    res.onAborted(() => {
      window.hangUp(res);
    });
    this.#alarm.setFor(window.nextDueMs());
  }

  close(): void {
    this.#alarm.cancel();
  }

  #answerDue(nowMs: number): void {
    const { window } = this.#parts;
    for (;;) {
      const caller = window.takeDue(nowMs);
      if (caller === undefined) break;
      this.#answer(caller);
    }
    this.#alarm.setFor(window.nextDueMs());
  }

  #answer(res: HttpResponse): void {
    const { failing, delayMs } = this.#parts.settings;
    answerJson(res, 200, `{"failing":${failing},"minResponseTime":${delayMs}}`);
  }
}
