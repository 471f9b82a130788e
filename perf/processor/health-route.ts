import type { HttpRequest, HttpResponse } from "uWebSockets.js";
import { Alarm } from "./alarm.ts";
import type { ArrivalLog } from "./arrival-log.ts";
import { answerBadly } from "./bad-answer.ts";
import type { Clock } from "./clock.ts";
import type { Front } from "./front.ts";
import type { FrontConnection } from "./front-connection.ts";
import type { HealthWindow } from "./health-window.ts";
import { answerJson, answerTooMany } from "./kestrel.ts";
import type { Misbehaviours } from "./misbehaviours.ts";
import type { Settings } from "./settings.ts";

export type HealthCall = { readonly res: HttpResponse; readonly connection: FrontConnection | undefined };

export type HealthRouteParts = {
  readonly arrivals: ArrivalLog;
  readonly window: HealthWindow<HealthCall>;
  readonly settings: Settings;
  readonly misbehaviours: Misbehaviours;
  readonly front: Front | undefined;
  readonly clock: Clock;
  readonly retryAfterSeconds: number;
};

/** GET /payments/service-health: the settings as they are when the answer goes out, not when the call came in. */
export class HealthRoute {
  readonly #parts: HealthRouteParts;
  readonly #alarm: Alarm;

  constructor(parts: HealthRouteParts) {
    this.#parts = parts;
    this.#alarm = new Alarm(parts.clock, (nowMs) => this.#answerDue(nowMs));
  }

  get(res: HttpResponse, req: HttpRequest): void {
    const { arrivals, window, front, clock, retryAfterSeconds } = this.#parts;
    const nowMs = clock();
    arrivals.record(nowMs);
    this.#answerDue(nowMs);
    const call = { res, connection: front?.connectionOf(req) };
    const verdict = window.arrive(call, nowMs);
    if (verdict === "granted") {
      this.#answer(call);
      return;
    }
    if (verdict === "refused") {
      answerTooMany(res, retryAfterSeconds);
      return;
    }
    res.onAborted(() => {
      window.hangUp(call);
    });
    this.#alarm.setFor(window.nextDueMs());
  }

  close(): void {
    this.#alarm.cancel();
  }

  #answerDue(nowMs: number): void {
    const { window } = this.#parts;
    for (;;) {
      const call = window.takeDue(nowMs);
      if (call === undefined) break;
      this.#answer(call);
    }
    this.#alarm.setFor(window.nextDueMs());
  }

  #answer({ res, connection }: HealthCall): void {
    const { misbehaviours, settings } = this.#parts;
    const answer = misbehaviours.take("health", { requestNumber: connection?.requestCount })?.answer;
    if (answer !== undefined) answerBadly(res, answer, {}, connection);
    else answerJson(res, 200, `{"failing":${settings.failing},"minResponseTime":${settings.delayMs}}`);
  }
}
