import type { HttpRequest, HttpResponse } from "uWebSockets.js";
import { Alarm } from "./alarm.ts";
import { chargeJson } from "./charge-json.ts";
import type { Charges } from "./charges.ts";
import type { Clock } from "./clock.ts";
import type { ConcurrencyLimiter, Limited } from "./concurrency-limiter.ts";
import { correlationIdText, readCorrelationId } from "./correlation-id.ts";
import { DelayQueue } from "./delay-queue.ts";
import { answerEmpty, answerJson, answerMessage, answerTooLarge, answerTooMany, readBody } from "./http.ts";
import { type BoundPayment, bindPayment } from "./payment-body.ts";
import type { Settings } from "./settings.ts";

/** What becomes of a payment whose caller hangs up while it is still queued behind the limiter. */
export type QueuedHangUp = "charge" | "drop";

export interface PaymentsRouteParts {
  readonly charges: Charges;
  readonly limiter: ConcurrencyLimiter;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly queuedHangUp: QueuedHangUp;
  readonly retryAfterSeconds: number;
}

const processedJson = '{"message":"payment processed successfully"}';

/**
 * One POST /payments. It needs its place in flight and its whole body before it can be bound, in whichever order they come.
 *
 *   place in flight ┐
 *                   ├─► bound ─► slept ─► failed, or charged ─► answered ─► place given on
 *   whole body ─────┘
 */
class PaymentRequest implements Limited {
  readonly #route: PaymentsRoute;
  readonly isJson: boolean;
  /** Null once the caller has hung up: uWebSockets.js forbids any use of it then. */
  res: HttpResponse | null;
  body: string | undefined;
  hasPlace = false;
  payment: BoundPayment | undefined;

  constructor(route: PaymentsRoute, res: HttpResponse, isJson: boolean) {
    this.#route = route;
    this.res = res;
    this.isJson = isJson;
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

  constructor(parts: PaymentsRouteParts) {
    this.#parts = parts;
    this.#alarm = new Alarm(parts.clock, (nowMs) => this.#wakeDue(nowMs));
  }

  post(res: HttpResponse, req: HttpRequest): void {
    const { limiter, retryAfterSeconds } = this.#parts;
    const request = new PaymentRequest(this, res, isJsonType(req.getHeader("content-type")));
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

  get(res: HttpResponse, req: HttpRequest): void {
    const { charges, limiter, retryAfterSeconds } = this.#parts;
    const id = readCorrelationId(req.getParameter(0));
    let caller: HttpResponse | null = res;
    const lookUp = (): void => {
      if (caller !== null) answerLookUp(caller, id, charges);
      limiter.leave();
    };
    const request: Limited = { start: lookUp };
    const verdict = limiter.enter(request);
    if (verdict === "refused") {
      answerTooMany(res, retryAfterSeconds);
      return;
    }
    if (verdict === "started") {
      lookUp();
      return;
    }
    res.onAborted(() => {
      caller = null;
      limiter.giveUp(request);
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
    const { settings, clock } = this.#parts;
    if (settings.delayMs === 0) {
      this.#settle(request);
      return;
    }
    this.#sleeping.add(request, settings.delayMs, clock());
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

  /** Failure is looked at after the delay and before the duplicate; whether the caller is still there changes nothing. */
  #settle(request: PaymentRequest): void {
    const { charges, settings, limiter } = this.#parts;
    const { res } = request;
    const { id, amountCents, requestedAtUs } = request.payment!;
    if (settings.failing) {
      if (res !== null) answerEmpty(res, 500);
    } else if (charges.charge(id, amountCents, requestedAtUs) === "charged") {
      if (res !== null) answerJson(res, 200, processedJson);
    } else if (res !== null) {
      answerMessage(res, 422, `correlationId already exists: correlationId=${correlationIdText(id)}`);
    }
    limiter.leave();
  }

  #refuse(request: PaymentRequest, status: 400 | 415, rule: string): void {
    if (request.res !== null) answerMessage(request.res, status, rule);
    this.#parts.limiter.leave();
  }

  /** Refused without waiting for the place: a body that is not read cannot be kept until then. */
  #overLimit(request: PaymentRequest): void {
    answerTooLarge(request.res!);
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

function isJsonType(contentType: string): boolean {
  return /^application\/([^;\s]+\+)?json\s*(;|$)/i.test(contentType);
}

function answerLookUp(res: HttpResponse, id: Uint32Array | undefined, charges: Charges): void {
  if (id === undefined) {
    answerMessage(res, 400, "correlationId must be a UUID");
    return;
  }
  const charge = charges.find(id);
  if (charge === undefined) answerEmpty(res, 404);
  else answerJson(res, 200, chargeJson(charge));
}
