import { expect } from "chai";
import { Flights } from "../../../core/routing/flights.ts";
import { HealthSnapshot } from "../../../core/routing/health-snapshot.ts";
import { DOWN, OPEN, SATURATED } from "../../../core/routing/processor-gate.ts";
import { NOWHERE, Router } from "../../../core/routing/router.ts";
import { openWays } from "../../../core/routing/ways.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import { DEFAULT, FALLBACK, PROCESSOR_COUNT } from "../../../core/values/processor.ts";
import { NOON_MS } from "../../support/payments.ts";
import { twoTerms } from "../../support/terms.ts";

const STATES = { OPEN, SATURATED, DOWN } as const;
type State = keyof typeof STATES;
type Patience = { failover?: number; saturation?: number };

/** A router whose processors are in the given states at noon. */
function routerWith(atDefault: State, atFallback: State, { failover = 500, saturation = 2000 }: Patience = {}) {
  const flights = new Flights(4, 2);
  const { gates } = openWays(new HealthSnapshot(PROCESSOR_COUNT), twoTerms(1));
  const router = new Router(
    { gates, flights },
    {
      failoverPatienceMs: failover,
      saturationPatienceMs: saturation,
    },
  );
  [atDefault, atFallback].forEach((state, processor) => {
    const gate = router.gates[processor]!;
    if (state !== "OPEN") gate.began(true, NOON_MS - 5);
    if (state === "DOWN") gate.postEnded(Outcome.FAILING, 0, NOON_MS - 5, NOON_MS, 0);
    expect(gate.admit(NOON_MS)).to.equal(STATES[state]);
  });
  return { router, flights };
}

function choices(atDefault: State, atFallback: State, patience?: Patience): Record<number, number> {
  const { router } = routerWith(atDefault, atFallback, patience);
  const waits = [0, 499, 500, 1999, 2000, 1e9];
  return Object.fromEntries(waits.map((waitedMs) => [waitedMs, router.choose(waitedMs, false, NOON_MS)]));
}

const always = (where: number) => ({ 0: where, 499: where, 500: where, 1999: where, 2000: where, 1e9: where });

describe("router", () => {
  it("sends to the cheaper processor whenever that can take the payment", () => {
    for (const state of ["OPEN", "SATURATED", "DOWN"] as const) {
      expect(choices("OPEN", state), state).to.deep.equal(always(DEFAULT));
    }
  });

  it("sends to the dearer one when the cheaper is down, after the failover patience and not before", () => {
    expect(choices("DOWN", "OPEN")).to.deep.equal({ ...always(FALLBACK), 0: NOWHERE, 499: NOWHERE });
  });

  it("sends to the dearer one when the cheaper is at its limit, after the saturation patience and not before", () => {
    expect(choices("SATURATED", "OPEN")).to.deep.equal({ ...always(NOWHERE), 2000: FALLBACK, 1e9: FALLBACK });
  });

  it("waits when neither can take the payment, however long it has waited", () => {
    for (const atDefault of ["SATURATED", "DOWN"] as const) {
      for (const atFallback of ["SATURATED", "DOWN"] as const) {
        expect(choices(atDefault, atFallback), `${atDefault} ${atFallback}`).to.deep.equal(always(NOWHERE));
      }
    }
  });

  it("fails over at once without patience, but waits for saturation to pass", () => {
    expect(choices("DOWN", "OPEN", { failover: 0 })).to.deep.equal(always(FALLBACK));
    expect(choices("SATURATED", "OPEN", { failover: 0 })[1999]).to.equal(NOWHERE);
  });

  it("is never less patient with a working processor than with one that is down", () => {
    const patience = { failover: 1999, saturation: 0 };
    expect(choices("SATURATED", "OPEN", patience)).to.deep.equal({
      ...always(NOWHERE),
      1999: FALLBACK,
      2000: FALLBACK,
      1e9: FALLBACK,
    });
  });

  it("never fails over with endless patience", () => {
    const patience = { failover: Number.POSITIVE_INFINITY };
    expect(choices("DOWN", "OPEN", patience)).to.deep.equal(always(NOWHERE));
    expect(choices("SATURATED", "OPEN", patience)).to.deep.equal(always(NOWHERE));
  });

  it("takes a processor without room for another flight for down", () => {
    const { router, flights } = routerWith("OPEN", "OPEN");
    for (let slot = 0; slot < 4; slot++) flights.open(slot, DEFAULT, NOON_MS);
    expect(router.choose(499, false, NOON_MS)).to.equal(NOWHERE);
    expect(router.choose(500, false, NOON_MS)).to.equal(FALLBACK);
    for (let slot = 4; slot < 8; slot++) flights.open(slot, FALLBACK, NOON_MS);
    expect(router.choose(1e9, false, NOON_MS)).to.equal(NOWHERE);
  });

  it("gives a processor that is down and due for a probe the payment, or else another one fails over", () => {
    const { router } = routerWith("DOWN", "OPEN");
    expect(router.choose(1000, false, NOON_MS + 99)).to.equal(FALLBACK);
    expect(router.choose(0, false, NOON_MS + 100)).to.equal(DEFAULT);
    router.gates[DEFAULT]!.began(true, NOON_MS + 100);
    expect(router.choose(0, false, NOON_MS + 100)).to.equal(NOWHERE);
    expect(router.choose(500, false, NOON_MS + 100)).to.equal(FALLBACK);
  });

  it("does not risk a payment as a probe while a payment in doubt there can be the probe", () => {
    const { router, flights } = routerWith("DOWN", "OPEN");
    const doubt = flights.open(0, DEFAULT, NOON_MS);
    flights.doubt(doubt, NOON_MS + 5000);
    expect(router.choose(0, false, NOON_MS + 100)).to.equal(NOWHERE);
    expect(router.choose(500, false, NOON_MS + 100)).to.equal(FALLBACK);
    expect(router.gates[DEFAULT]!.admit(NOON_MS + 100)).to.equal(OPEN);
    flights.close(doubt);
    expect(router.choose(0, false, NOON_MS + 100)).to.equal(DEFAULT);
  });

  it("lets doubts at a working processor keep nothing back", () => {
    const { router, flights } = routerWith("OPEN", "OPEN");
    flights.doubt(flights.open(0, DEFAULT, NOON_MS), NOON_MS + 5000);
    expect(router.choose(0, false, NOON_MS)).to.equal(DEFAULT);
  });
});
