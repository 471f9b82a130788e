import { randomBytes } from "node:crypto";
import { paymentBody } from "../load/payment-request.ts";
import { requestText } from "../load/timed-caller.ts";

/** Payments to an instance, of which every so many-th comes with a sampled trace context, until a certain time. */
export class SampledRequests {
  sampledCount = 0;
  readonly #target: URL;
  readonly #share: number;
  readonly #untilMs: number;
  /** Reaches 1 with the payment that is sampled. */
  #due = 0;

  /** `share`: 0 to 1. `untilMs`: of performance.now(). */
  constructor(target: URL, share: number, untilMs: number) {
    this.#target = target;
    this.#share = share;
    this.#untilMs = untilMs;
  }

  readonly next = (): string => {
    this.#due += this.#share;
    const isSampled = this.#due >= 1 && performance.now() < this.#untilMs;
    if (this.#due >= 1) this.#due--;
    if (isSampled) this.sampledCount++;
    return requestText(this.#target, {
      method: "POST",
      path: "/payments",
      headers: isSampled ? { traceparent: sampledContext() } : {},
      body: paymentBody(),
    });
  };
}

function sampledContext(): string {
  return `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-01`;
}
