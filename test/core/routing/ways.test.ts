import { expect } from "chai";
import { Engine, type EngineOptions } from "../../../core/engine.ts";
import { HealthSnapshot } from "../../../core/routing/health-snapshot.ts";
import { Ways } from "../../../core/routing/ways.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import { NOON_MS, uuid } from "../../support/payments.ts";
import { DEFAULT, FALLBACK, TWO_NAMES, twoTerms } from "../../support/terms.ts";

const OPTIONS: EngineOptions = {
  partition: 0,
  capacity: 10_000,
  seed: 1,
  giveUpAfterMs: 60_000,
  settleWithinMs: 0,
  answerWithinMs: Number.POSITIVE_INFINITY,
  waitsForSlow: true,
};

/** Two engines of one process. */
function twoEngines(maxInFlight: number): [Engine, Engine] {
  const ways = Ways.open(new HealthSnapshot(TWO_NAMES.length), twoTerms(maxInFlight));
  return [new Engine(ways, OPTIONS), new Engine(ways.beside(), OPTIONS)];
}

/** Accepts payment `n` and sends it; returns the flight, or a negative number. */
function send(engine: Engine, n: number, atMs: number): number {
  engine.accept(uuid(n), 0, 1990, NOON_MS + atMs);
  const flight = engine.dispatch(NOON_MS + atMs);
  engine.batch.clear();
  return flight;
}

describe("ways", () => {
  it("can be given more or less of what may be out, and wait for what is out beyond that", () => {
    const ways = Ways.open(new HealthSnapshot(TWO_NAMES.length), twoTerms(3));
    const [one, other] = [new Engine(ways, OPTIONS), new Engine(ways.beside(), OPTIONS)];
    const sent = [1, 2, 3].map((n) => send(one, n, 0));
    expect(sent.map((flight) => one.flights.processor[flight])).to.deep.equal([DEFAULT, DEFAULT, DEFAULT]);
    ways.bound([2, 1]);
    one.settle(sent[0]!, Outcome.CHARGED, NOON_MS + 5);
    expect(other.flights.processor[send(other, 4, 5)]).to.equal(FALLBACK);
    one.settle(sent[1]!, Outcome.CHARGED, NOON_MS + 6);
    expect(other.flights.processor[send(other, 5, 6)]).to.equal(DEFAULT);
  });

  it("share the in-flight limit: what one engine has out, the other has not", () => {
    const [one, other] = twoEngines(2);
    const flights = [send(one, 1, 0), send(other, 2, 0), send(other, 3, 0)];
    expect(flights).to.deep.equal([0, 0, 1]);
    expect([0, 1].map((flight) => other.flights.processor[flight])).to.deep.equal([DEFAULT, FALLBACK]);
    one.settle(0, Outcome.CHARGED, NOON_MS + 5);
    expect(other.flights.processor[send(other, 4, 5)]).to.equal(DEFAULT);
  });

  it("share what is known of a processor: the other engine fails over at once", () => {
    const [one, other] = twoEngines(16);
    one.settle(send(one, 1, 0), Outcome.FAILING, NOON_MS + 5);
    expect(other.flights.processor[send(other, 2, 6)]).to.equal(FALLBACK);
  });

  it("keep the flights of each engine apart, within one quota", () => {
    const [one, other] = twoEngines(5000);
    one.flights.open(7, DEFAULT, NOON_MS);
    expect([one.flights.find(7), other.flights.find(7)]).to.deep.equal([0, -1]);
    for (let slot = 0; slot < one.flights.quota - 1; slot++) other.flights.open(slot, DEFAULT, NOON_MS);
    expect([one.flights.hasRoom(DEFAULT), other.flights.hasRoom(DEFAULT)]).to.deep.equal([false, false]);
    expect(one.flights.hasRoom(FALLBACK)).to.equal(true);
    one.flights.close(0);
    expect(other.flights.hasRoom(DEFAULT)).to.equal(true);
  });
});
