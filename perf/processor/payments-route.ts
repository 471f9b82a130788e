import type { HttpRequest, HttpResponse } from "uWebSockets.js";
import { Alarm } from "./alarm.ts";
import type { Clock } from "./clock.ts";
import type { ConcurrencyLimiter, Limited } from "./concurrency-limiter.ts";
import { DelayQueue } from "./delay-queue.ts";
import type { Front } from "./front.ts";
import type { FrontConnection } from "./front-connection.ts";
import { answerMessage, answerTooLarge, answerTooMany } from "./kestrel.ts";
import { type BoundPayment, bindPayment } from "./payment-body.ts";
import { BODY_BYTES_MAX, isJson, readBody } from "./request-body.ts";
import type { Settings } from "./settings.ts";
import type { DuePayment, Settlement } from "./settlement.ts";
import type { TimerSlack } from "./timer-slack.ts";

/** What becomes of a payment whose caller hangs up while it is still queued behind the limiter. */
export type QueuedHangUp = "charge" | "drop";

export type PaymentsRouteParts = {
  readonly limiter: ConcurrencyLimiter;
  readonly settings: Settings;
  readonly slack: TimerSlack;
  readonly settlement: Settlement;
  readonly front: Front | undefined;
  readonly clock: Clock;
  readonly queuedHangUp: QueuedHangUp;
  readonly retryAfterSeconds: number;
};

/**
 * One POST /payments. It needs its place in flight and its whole body before it can be bound, in whichever order they
 * come.
 *
 *   place in flight ┐
 *                   ├─► bound ─► slept ─► failed, or charged ─► answered ─► place given on
 *   whole body ─────┘
 */
class PaymentRequest implements Limited, DuePayment {
  readonly #route: PaymentsRoute;
  readonly isJson: boolean;
  readonly connection: FrontConnection | undefined;
  res: HttpResponse | null;
  body: string | undefined;
  hasPlace = false;
  /** Set before it is due. */
  payment!: BoundPayment;

  constructor(route: PaymentsRoute, res: HttpResponse, isJson: boolean, connection: FrontConnection | undefined) {
    this.#route = route;
    this.res = res;
    this.isJson = isJson;
    this.connection = connection;
  }

  start(): void {
    this.hasPlace = true;
    this.#route.proceed(this);
  }
}

export class PaymentsRoute {
  readonly #parts: PaymentsRouteParts;
  readonly #sleeping = new DelayQueue<PaymentRequest>();
  readonly #alarm: Alarm;
  readonly #leave: () => void;

  constructor(parts: PaymentsRouteParts) {
    this.#parts = parts;
    this.#leave = () => parts.limiter.leave();
    this.#alarm = new Alarm(parts.clock, (nowMs) => this.#wakeDue(nowMs));
  }

  post(res: HttpResponse, req: HttpRequest): void {
    const { limiter, front, retryAfterSeconds } = this.#parts;
    const request = new PaymentRequest(this, res, isJson(req), front?.connectionOf(req));
    const verdict = limiter.enter(request);
    if (verdict === "refused") {
      answerTooMany(res, retryAfterSeconds);
      return;
    }
    request.hasPlace = verdict === "started";
    res.onAborted(() => this.#hungUp(request));
    readBody(res, (body) => {
      if (body === undefined) {
        this.#overLimit(request);
        return;
      }
      request.body = body;
      this.proceed(request);
    });
  }

  close(): void {
    this.#alarm.cancel();
  }

  /** From the second step on, once the request has both its place and its body. */
  proceed(request: PaymentRequest): void {
    if (!request.hasPlace || request.body === undefined) return;
    if (!request.isJson) {
      this.#refuse(request, 415, "content-type must be application/json");
      return;
    }
    const bound = bindPayment(request.body);
    if (typeof bound === "string") {
      this.#refuse(request, 400, bound);
      return;
    }
    request.payment = bound;
    const { settings, slack, clock } = this.#parts;
    if (settings.delayMs === 0) {
      this.#settle(request);
      return;
    }
    this.#sleeping.add(request, settings.delayMs + slack.nextMs(), clock());
    this.#alarm.setFor(this.#sleeping.nextDueMs());
  }

  #wakeDue(nowMs: number): void {
    for (;;) {
      const request = this.#sleeping.takeDue(nowMs);
      if (request === undefined) break;
      this.#settle(request);
    }
    this.#alarm.setFor(this.#sleeping.nextDueMs());
  }

  #settle(request: PaymentRequest): void {
    this.#parts.settlement.settle(request, this.#leave);
  }

  #refuse(request: PaymentRequest, status: 400 | 415, rule: string): void {
    if (request.res !== null) answerMessage(request.res, status, rule);
    this.#parts.limiter.leave();
  }

  /** Refused without waiting for the place: a body that is not read cannot be kept until then. */
  #overLimit(request: PaymentRequest): void {
    answerTooLarge(request.res!, BODY_BYTES_MAX);
    this.#abandon(request);
  }

  #hungUp(request: PaymentRequest): void {
    request.res = null;
    const isBodyMissing = request.body === undefined;
    const isDropped = !request.hasPlace && this.#parts.queuedHangUp === "drop";
    if (isBodyMissing || isDropped) this.#abandon(request);
  }

  #abandon(request: PaymentRequest): void {
    if (request.hasPlace) this.#parts.limiter.leave();
    else this.#parts.limiter.giveUp(request);
  }
}
