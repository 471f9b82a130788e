import { expect } from "chai";
import { Random } from "../support/random.ts";
import { Caller } from "./caller.ts";
import { amountOf, chargesOf, newPayment, type Payment, pay, viewOf } from "./payments.ts";
import { Service } from "./service.ts";
import { untilProcessed } from "./summaries.ts";

const SEED = Number(process.env["TEST_SEED"] ?? 20250715);
const REPETITIONS = 50;
const ROUNDS = 10;

/** The same payment as different clients may write it; the balancer cannot read all of these. */
function spellings(payment: Payment): string[] {
  const { correlationId } = payment;
  const amount = amountOf(payment);
  return [
    `{"correlationId":"${correlationId}","amount":${amount}}`,
    `{"correlationId":"${correlationId.toUpperCase()}","amount":${amount}}`,
    `{"amount":${amount},"correlationId":"${correlationId}"}`,
    `\r\n{ "correlationId"\t:\n "${correlationId}" , "amount" : ${amount}0e0 }\n`,
    `{"correlation\\u0049d":"${correlationId}","amount":${amount}}`,
    `{"correlationId":"\\u00${correlationId.charCodeAt(0).toString(16)}${correlationId.slice(1)}","amount":${amount}}`,
    `{"correlationId":"00000000-0000-4000-8000-000000000000","correlationId":"${correlationId}","amount":${amount}}`,
    `{"note":{"correlationId":"00000000-0000-4000-8000-0000000000ff"},` +
      `"correlationId":"${correlationId}","amount":${amount}}`,
  ];
}

describe(`the same payment, again and again (TEST_SEED=${SEED})`, () => {
  const random = new Random(SEED);
  let service: Service;
  let paymentCount = 0;
  const strangers: Caller[] = [];

  before(async () => {
    service = await Service.start();
    // Each request of these comes on a connection of its own.
    const sockets = [1, 2].map((number) => ({ socketPath: service.topology.instanceSocket(number) }));
    strangers.push(...[service.frontTarget, ...sockets].map((target) => new Caller(target, 0)));
  });

  after(async () => {
    for (const caller of strangers) caller.close();
    await service?.stop();
  });

  /** All at once; statuses in order. */
  function postAtOnce(callers: readonly Caller[], bodies: readonly string[]): Promise<number[]> {
    return Promise.all(
      bodies.map(async (body) => (await random.pick(callers).ask("POST", "/payments", { body })).status),
    );
  }

  function expectOneAccepted(statuses: readonly number[]): void {
    expect([...statuses].sort()).to.deep.equal([...Array(REPETITIONS - 1).fill(200), 202]);
  }

  it("is accepted once by the balancer, the rest being told that it is known", async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const body = spellings(newPayment(random.between(1, 100_000_000)))[0]!;
      expectOneAccepted(await postAtOnce([strangers[0]!], Array(REPETITIONS).fill(body)));
      paymentCount++;
    }
  });

  it("is accepted once, however it is written and wherever it is sent", async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const written = spellings(newPayment(random.between(1, 100_000_000)));
      const bodies = Array.from({ length: REPETITIONS }, () => random.pick(written));
      expectOneAccepted(await postAtOnce(strangers, bodies));
      paymentCount++;
    }
  });

  it("is a conflict with another amount, whichever of the two comes first", async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const payment = newPayment(random.between(2, 1000));
      const other = { ...payment, cents: payment.cents - 1 };
      const bodies = Array.from({ length: REPETITIONS }, (_, i) => random.pick(spellings(i % 2 ? payment : other)));
      const statuses = await postAtOnce(strangers, bodies);
      paymentCount++;
      const { amount } = await viewOf(service.front, payment);
      const winner = Math.round(amount * 100) === payment.cents ? 1 : 0;
      const winners = statuses.filter((_, i) => i % 2 === winner).sort();
      expect(winners).to.deep.equal([...Array(REPETITIONS / 2 - 1).fill(200), 202]);
      expect(new Set(statuses.filter((_, i) => i % 2 !== winner))).to.deep.equal(new Set([409]));
    }
  });

  it("is answered with the payment as it stands, long after", async () => {
    const payment = newPayment(1234);
    expect((await pay(service.front, payment)).status).to.equal(202);
    paymentCount++;
    await untilProcessed(service, paymentCount);
    for (const caller of [service.front, ...service.instances]) {
      const { status, body } = await pay(caller, payment);
      expect(status).to.equal(200);
      expect(JSON.parse(body)).to.include({ correlationId: payment.correlationId, amount: 12.34, state: "processed" });
      expect((await pay(caller, { ...payment, cents: 1235 })).status).to.equal(409);
    }
  });

  it("is charged once", async () => {
    await untilProcessed(service, paymentCount);
    const charged = [chargesOf(service.processors.default), chargesOf(service.processors.fallback)];
    expect(charged[0]!.size + charged[1]!.size).to.equal(paymentCount);
  });
});
