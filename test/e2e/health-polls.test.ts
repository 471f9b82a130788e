import { expect } from "chai";
import { Random } from "../support/random.ts";
import { newPayment, payMany } from "./payments.ts";
import { ROLES, Service } from "./service.ts";
import { untilProcessed } from "./summaries.ts";
import { until } from "./until.ts";

const SEED = Number(process.env["TEST_SEED"] ?? 20250715);
/** HEALTH_SECONDS=600 for the long run, with instances killed and started all the while; none otherwise. */
const LONG_SECONDS = Number(process.env["HEALTH_SECONDS"] ?? 0);
const INTERVAL_MS = 5000;
/**
 * An instance that died is replaced after the interval, a claim's validity and its turn; the rest is a busy machine.
 */
const TAKEOVER_MS_MAX = 30_000;

describe("health polls of both instances together", function () {
  this.timeout(120_000 + LONG_SECONDS * 1000);
  let service: Service;

  beforeEach(async () => {
    service = await Service.start();
  });

  afterEach(() => service?.stop());

  function arrivals(): number[][] {
    return ROLES.map((role) => service.processors[role].healthArrivals.recent());
  }

  function expectApart(): void {
    for (const [i, arrivedAtMs] of arrivals().entries()) {
      const gaps = arrivedAtMs.slice(1).map((atMs, k) => atMs - arrivedAtMs[k]!);
      expect(Math.min(INTERVAL_MS, ...gaps), `${ROLES[i]}: ${arrivedAtMs}`).to.equal(INTERVAL_MS);
    }
  }

  async function untilPolledAgain(what: string): Promise<void> {
    const before = arrivals().map(({ length }) => length);
    await until(
      `${what}: both processors are polled`,
      () => arrivals().every(({ length }, i) => length > before[i]!),
      TAKEOVER_MS_MAX,
    );
  }

  async function knownDelays(): Promise<number[][]> {
    const answers = await Promise.all(service.instances.map((caller) => caller.get("/ready")));
    return answers.map(({ body }) =>
      (JSON.parse(body) as { processors: { minResponseTime: number }[] }).processors.map(
        (known) => known.minResponseTime,
      ),
    );
  }

  it("reach a processor 5 s apart at least, are told to all, and outlive the instance that polls", async () => {
    service.processors.default.settings.delayMs = 7;
    service.processors.fallback.settings.delayMs = 9;
    await untilPolledAgain("at first");
    await until("both instances know", async () => JSON.stringify(await knownDelays()) === "[[7,9],[7,9]]");
    await untilPolledAgain("in good weather");
    // Whichever of the two it is: each is killed once, while the other is there.
    await service.topology.kill("instance-1");
    await service.topology.restart("instance-1");
    await untilPolledAgain("after instance 1 was killed");
    await service.topology.kill("instance-2");
    await untilPolledAgain("after instance 2 was killed");
    await service.topology.restart("instance-2");
    expectApart();
    await payMany(service.front, [newPayment(), newPayment()]);
    await untilProcessed(service, 2);
  });

  it("that are held or refused because a stranger asks as well do no harm", async () => {
    const stranger = (): Promise<Response> => fetch(`${service.processors.default.url}/payments/service-health`);
    // The first is answered, two are held for a window each, the others are refused.
    const strangers = [stranger(), stranger(), stranger(), stranger(), stranger()];
    await untilPolledAgain("with strangers around");
    await payMany(service.front, [newPayment(), newPayment(), newPayment()]);
    await untilProcessed(service, 3);
    const statuses = (await Promise.all(strangers)).map(({ status }) => status);
    expect(statuses.sort()).to.deep.equal([200, 200, 200, 429, 429]);
    for (const caller of service.instances) expect((await caller.get("/health")).status).to.equal(200);
  });

  if (LONG_SECONDS > 0) {
    it(`stay 5 s apart for ${LONG_SECONDS} s, instances being killed all the while (TEST_SEED=${SEED})`, async () => {
      const random = new Random(SEED);
      const endMs = performance.now() + LONG_SECONDS * 1000;
      while (performance.now() < endMs) {
        const name = `instance-${random.between(1, 2)}` as const;
        const pauseMs = random.between(0, 9000);
        const untilMs = performance.now() + pauseMs;
        await until("a moment has passed", () => performance.now() > untilMs);
        await service.topology.kill(name, random.pick(["SIGKILL", "SIGTERM"]));
        await service.topology.restart(name);
      }
      await untilPolledAgain("in the end");
      expectApart();
    });
  }
});
