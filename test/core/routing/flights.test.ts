import { expect } from "chai";
import * as FlightState from "../../../core/routing/flight-state.ts";
import { Flights } from "../../../core/routing/flights.ts";
import { forSeeds } from "../../support/random.ts";
import { DEFAULT, FALLBACK } from "../../support/terms.ts";

describe("flights", () => {
  it("keep what an attempt is about from its beginning to its end", () => {
    const flights = new Flights(2, 2);
    const flight = flights.open(7, FALLBACK, 1000);
    expect(flights.state[flight]).to.equal(FlightState.POSTING);
    expect([flights.slot[flight], flights.processor[flight], flights.beganAtMs[flight]]).to.deep.equal([
      7,
      FALLBACK,
      1000,
    ]);
    expect([flights.openCount(FALLBACK), flights.openCount(DEFAULT), flights.askCount[flight]]).to.deep.equal([
      1, 0, 0,
    ]);
    flights.close(flight);
    expect([flights.state[flight], flights.openCount(FALLBACK)]).to.deep.equal([FlightState.FREE, 0]);
  });

  it("keep a doubt open until it is closed, and count the times it was asked about", () => {
    const flights = new Flights(2, 2);
    const flight = flights.open(7, DEFAULT, 1000);
    flights.doubt(flight, 1100);
    expect([flights.state[flight], flights.dueAtMs[flight], flights.doubtCount(DEFAULT)]).to.deep.equal([
      FlightState.DOUBT,
      1100,
      1,
    ]);
    flights.ask(flight, FlightState.LOOKING_UP, 1150);
    expect([flights.state[flight], flights.beganAtMs[flight], flights.doubtCount(DEFAULT)]).to.deep.equal([
      FlightState.LOOKING_UP,
      1150,
      0,
    ]);
    expect([flights.askCount[flight], flights.openCount(DEFAULT)]).to.deep.equal([1, 1]);
    flights.doubt(flight, 1300);
    flights.close(flight);
    expect([flights.openCount(DEFAULT), flights.doubtCount(DEFAULT)]).to.deep.equal([0, 0]);
    expect(flights.askCount[flights.open(8, DEFAULT, 2000)]).to.equal(0);
  });

  it("have their own quota for each processor, and throw beyond it", () => {
    const flights = new Flights(3, 2);
    for (let slot = 0; slot < 3; slot++) flights.open(slot, DEFAULT, 0);
    expect([flights.hasRoom(DEFAULT), flights.hasRoom(FALLBACK)]).to.deep.equal([false, true]);
    expect(() => flights.open(3, DEFAULT, 0)).to.throw("flights keep to their quota: processor=0 quota=3");
    for (let slot = 3; slot < 6; slot++) flights.open(slot, FALLBACK, 0);
    expect([flights.hasRoom(DEFAULT), flights.hasRoom(FALLBACK)]).to.deep.equal([false, false]);
  });

  it("count a doubt against the quota", () => {
    const flights = new Flights(1, 2);
    flights.doubt(flights.open(0, DEFAULT, 0), 100);
    expect(flights.hasRoom(DEFAULT)).to.equal(false);
  });

  it("have a place for what another life has sent, beyond the quota, and none for anything new meanwhile", () => {
    const flights = new Flights(2, 2);
    const other = flights.beside();
    for (let slot = 0; slot < 2; slot++) other.open(slot, DEFAULT, 0);
    const known = [0, 1].map((slot) => flights.openKnown(slot, DEFAULT, 0));
    expect([flights.openCount(DEFAULT), other.openCount(DEFAULT)]).to.deep.equal([4, 4]);
    for (const [i, flight] of known.entries()) {
      flights.doubt(flight, 100);
      expect([flights.slot[flight], flights.state[flight]]).to.deep.equal([i, FlightState.DOUBT]);
    }
    for (const flight of known) {
      expect(flights.hasRoom(DEFAULT)).to.equal(false);
      flights.close(flight);
    }
    expect([flights.hasRoom(DEFAULT), flights.hasRoom(FALLBACK)]).to.deep.equal([false, true]);
    other.close(0);
    expect(flights.hasRoom(DEFAULT)).to.equal(true);
  });

  it("throw when one is closed twice", () => {
    const flights = new Flights(1, 2);
    const flight = flights.open(0, DEFAULT, 0);
    flights.close(flight);
    expect(() => flights.close(flight)).to.throw(`a flight is closed once: flight=${flight}`);
  });

  it("let doubts go and keep what is out as orphans when all payments are gone", () => {
    const flights = new Flights(3, 2);
    const posting = flights.open(0, DEFAULT, 0);
    const doubt = flights.open(1, DEFAULT, 0);
    const lookup = flights.open(2, FALLBACK, 0);
    flights.doubt(doubt, 100);
    flights.doubt(lookup, 100);
    flights.ask(lookup, FlightState.LOOKING_UP, 100);
    flights.orphanAll();
    expect([posting, doubt, lookup].map((flight) => flights.state[flight])).to.deep.equal([
      FlightState.ORPHAN_POST,
      FlightState.FREE,
      FlightState.ORPHAN_LOOKUP,
    ]);
    expect([flights.openCount(DEFAULT), flights.doubtCount(DEFAULT), flights.openCount(FALLBACK)]).to.deep.equal([
      1, 0, 1,
    ]);
    flights.orphanAll();
    flights.close(posting);
    flights.close(lookup);
    expect([flights.openCount(DEFAULT), flights.openCount(FALLBACK)]).to.deep.equal([0, 0]);
  });

  it("agree with a map for random use", () => {
    forSeeds(20, (random) => {
      const quota = random.between(1, 12);
      const flights = new Flights(quota, 2);
      const model = new Map<
        number,
        { state: number; slot: number; processor: number; asked: number; beganAtMs: number }
      >();
      for (let step = 0; step < 1000; step++) {
        const count = (processor: number, state?: number) =>
          [...model.values()].filter((f) => f.processor === processor && (state === undefined || f.state === state))
            .length;
        const processor = random.below(2);
        const opening = step % 200 < 100 ? 0.6 : 0.3;
        expect(flights.hasRoom(processor)).to.equal(count(processor) < quota);
        if (random.chance(opening)) {
          if (!flights.hasRoom(processor)) continue;
          const slot = random.below(1000);
          const flight = flights.open(slot, processor, step);
          expect(model.has(flight)).to.equal(false);
          model.set(flight, { state: FlightState.POSTING, slot, processor, asked: 0, beganAtMs: step });
        } else if (model.size > 0) {
          const [flight, entry] = random.pick([...model]);
          if (random.chance(0.5)) {
            flights.close(flight);
            model.delete(flight);
          } else if (entry.state === FlightState.DOUBT) {
            entry.state = random.pick([FlightState.POSTING, FlightState.LOOKING_UP] as const);
            entry.asked++;
            entry.beganAtMs = step;
            flights.ask(flight, entry.state as typeof FlightState.POSTING | typeof FlightState.LOOKING_UP, step);
          } else if (entry.state < FlightState.ORPHAN_POST) {
            entry.state = FlightState.DOUBT;
            flights.doubt(flight, step + 100);
          }
        }
        if (random.chance(0.005)) {
          flights.orphanAll();
          for (const [flight, entry] of model) {
            if (entry.state === FlightState.DOUBT) model.delete(flight);
            else if (entry.state < FlightState.ORPHAN_POST)
              entry.state = entry.state === FlightState.POSTING ? FlightState.ORPHAN_POST : FlightState.ORPHAN_LOOKUP;
          }
        }
        for (const p of [DEFAULT, FALLBACK]) {
          expect([flights.openCount(p), flights.doubtCount(p)]).to.deep.equal([count(p), count(p, FlightState.DOUBT)]);
        }
        if (step % 25 !== 0) continue;
        for (let flight = 0; flight < flights.state.length; flight++) {
          const entry = model.get(flight);
          expect(flights.state[flight]).to.equal(entry?.state ?? FlightState.FREE);
          if (entry === undefined) continue;
          expect(flight).to.be.below(flights.highWater);
          expect([flights.slot[flight], flights.askCount[flight], flights.beganAtMs[flight]]).to.deep.equal([
            entry.slot,
            entry.asked,
            entry.beganAtMs,
          ]);
        }
      }
    });
  });
});
