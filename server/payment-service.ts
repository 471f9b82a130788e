import type { AcceptResult, Engine } from "../core/engine.ts";
import { FULL } from "../core/engine.ts";
import { NOT_FOUND_SLOT } from "../core/uuid-index.ts";
import type { SlewedClock } from "./clock.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { PaymentBody } from "./payment-body.ts";
import { paymentView } from "./payment-view.ts";
import { type SummaryPart, summaryPart, type Window } from "./summary.ts";

/** What the APIs of an instance (public and link) can do with its own payments. */
export class PaymentService {
  /** The last body read; one is enough, because a body is read and accepted in one go. */
  readonly body = new PaymentBody();
  readonly engine: Engine;
  readonly #clock: SlewedClock;
  readonly #dispatcher: Dispatcher;
  #isClosing = false;

  constructor(engine: Engine, clock: SlewedClock, dispatcher: Dispatcher) {
    this.engine = engine;
    this.#clock = clock;
    this.#dispatcher = dispatcher;
  }

  /** From now on nothing new is accepted. */
  beginClosing(): void {
    this.#isClosing = true;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Accepts the payment in `body`. Hot. */
  accept(): AcceptResult {
    const result = this.#isClosing ? FULL : this.engine.accept(this.body.id, 0, this.body.cents, this.#clock.nowMs());
    this.#dispatcher.wake();
    return result;
  }

  /** JSON of the payment with this correlationId or payment id, if it is ours. */
  view(id: Int32Array): string | undefined {
    const slot = this.engine.lookup(id);
    return slot === NOT_FOUND_SLOT ? undefined : paymentView(this.engine, slot);
  }

  summaryPart(window: Window): SummaryPart {
    return summaryPart(this.engine, window, this.#clock.nowMs());
  }

  purge(): void {
    this.engine.purge(this.#clock.nowMs());
  }
}
