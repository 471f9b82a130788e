import { randomUUID } from "node:crypto";
import { everything } from "../../perf/processor/charges.ts";
import type { RunningProcessor } from "../../perf/processor/processor.ts";
import type { PaymentView } from "../../server/page/payment-view.ts";
import type { Answer, Caller } from "./caller.ts";
import { ownerOf } from "./nginx-harness.ts";
import { until } from "./until.ts";

export type Payment = { correlationId: string; cents: number };

export function newPayment(cents = 1990): Payment {
  return { correlationId: randomUUID(), cents };
}

/** A payment that belongs to the given instance, 1 or 2. */
export function newPaymentOf(instance: number, cents = 1990): Payment {
  for (;;) {
    const payment = newPayment(cents);
    if (instanceOf(payment) === instance) return payment;
  }
}

export function instanceOf({ correlationId }: Payment): number {
  return ownerOf(correlationId.slice(-2)) + 1;
}

export function amountOf({ cents }: Payment): string {
  return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
}

export function bodyOf(payment: Payment): string {
  return `{"correlationId":"${payment.correlationId}","amount":${amountOf(payment)}}`;
}

export function pay(caller: Caller, payment: Payment): Promise<Answer> {
  return caller.ask("POST", "/payments", { headers: { "content-type": "application/json" }, body: bodyOf(payment) });
}

/** Sends new payments and expects all of them to be accepted. */
export async function payMany(caller: Caller, payments: readonly Payment[]): Promise<void> {
  const answers = await Promise.all(payments.map((payment) => pay(caller, payment)));
  const odd = answers.find(({ status }) => status !== 202);
  if (odd) throw new Error(`payments must be accepted: status=${odd.status} body=${odd.body}`);
}

export async function viewOf(caller: Caller, { correlationId }: { correlationId: string }): Promise<PaymentView> {
  const answer = await caller.get(`/payments/${correlationId}`);
  if (answer.status !== 200) throw new Error(`the payment must be known: status=${answer.status} body=${answer.body}`);
  return JSON.parse(answer.body) as PaymentView;
}

export async function untilState(caller: Caller, payments: readonly Payment[], state: string): Promise<PaymentView[]> {
  const views: PaymentView[] = [];
  for (const payment of payments) {
    let view = await viewOf(caller, payment);
    await until(`a payment is ${state}`, async () => {
      view = await viewOf(caller, payment);
      return view.state === state;
    });
    views.push(view);
  }
  return views;
}

export type Charged = { cents: number; requestedAt: string };

/** What a processor has charged, by correlationId. */
export function chargesOf(processor: RunningProcessor): Map<string, Charged> {
  const charges = processor.charges.list(everything, 0, processor.charges.count);
  return new Map(
    charges.map(({ correlationId, amountCents, requestedAtUs }) => [
      correlationId,
      { cents: amountCents, requestedAt: new Date(requestedAtUs / 1000).toISOString() },
    ]),
  );
}
