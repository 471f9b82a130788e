import { expect } from "chai";
import { HealthSnapshot, isFeltDown, isUp } from "../../../core/routing/health-snapshot.ts";
import { NO_PROBE } from "../../../core/routing/probes.ts";
import { DOWN, OPEN, ProcessorGate, SATURATED } from "../../../core/routing/processor-gate.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import { NOON_MS } from "../../support/payments.ts";
import { forSeeds, type Random } from "../../support/random.ts";

/** A gate and its health word; times are in milliseconds after noon. */
class Gate {
  readonly health = new HealthSnapshot(1);
  readonly gate: ProcessorGate;
  #sequence = 0;
  /** By when they began. */
  readonly #probes = new Map<number, number>();

  constructor(maxInFlight = 100) {
    this.gate = new ProcessorGate(0, this.health, { name: "a", feePpm: 0, maxInFlight: maxInFlight });
  }

  admit(atMs: number): string {
    return ["open", "saturated", "down"][this.gate.admit(NOON_MS + atMs)]!;
  }

  begin(atMs: number): void {
    this.#probes.set(atMs, this.gate.began(true, NOON_MS + atMs));
  }

  end(outcome: number, beganAtMs: number, atMs: number): void {
    this.gate.postEnded(outcome, this.#sequence++, NOON_MS + beganAtMs, NOON_MS + atMs, this.#probes.get(beganAtMs)!);
  }

  /** A post that begins at one time and ends at another, with nothing in between. */
  post(outcome: number, beganAtMs: number, atMs: number): void {
    this.begin(beganAtMs);
    this.end(outcome, beganAtMs, atMs);
  }

  poll(failing: boolean, atMs: number): void {
    this.health.polled(0, failing, 0, NOON_MS + atMs);
  }

  /** The first time from `fromMs` on at which it is open. */
  opensAtMs(fromMs: number): number {
    let atMs = fromMs;
    while (this.admit(atMs) !== "open") atMs++;
    return atMs;
  }
}

function downAt(atMs: number): Gate {
  const gate = new Gate();
  gate.post(Outcome.FAILING, atMs - 5, atMs);
  return gate;
}

describe("processor gate", () => {
  it("is open until its in-flight limit is reached, and again when an answer comes", () => {
    const gate = new Gate(2);
    gate.begin(0);
    expect(gate.admit(0)).to.equal("open");
    gate.begin(0);
    expect(gate.admit(0)).to.equal("saturated");
    gate.end(Outcome.CHARGED, 0, 1);
    expect([gate.admit(1), gate.gate.inFlightCount]).to.deep.equal(["open", 1]);
  });

  it("counts lookups among the requests in flight, not against its limit: they must not keep payments waiting", () => {
    const gate = new Gate(1);
    gate.gate.began(false, NOON_MS);
    expect([gate.admit(0), gate.gate.inFlightCount, gate.gate.lookupCount]).to.deep.equal(["open", 1, 1]);
    gate.begin(0);
    expect(gate.admit(0)).to.equal("saturated");
    gate.gate.lookupEnded();
    expect([gate.admit(0), gate.gate.inFlightCount]).to.deep.equal(["saturated", 1]);
  });

  it("does not expect of one that is back what the attempt took that found out, unless a poll had said so", () => {
    const gate = downAt(0);
    gate.poll(true, 50);
    gate.admit(50);
    gate.post(Outcome.CHARGED, 100, 2100);
    expect([gate.admit(2100), gate.gate.expectedAnswerMs(NOON_MS + 2100)]).to.deep.equal(["open", 0]);
    const slow = downAt(0);
    slow.health.polled(0, false, 2000, NOON_MS + 50);
    slow.admit(50);
    slow.post(Outcome.CHARGED, 100, 2100);
    expect([slow.admit(2100), slow.gate.expectedAnswerMs(NOON_MS + 2100)]).to.deep.equal(["open", 2000]);
  });

  it("wants a fresh payment after eight probes in vain, or one that was rejected, and then the others again", () => {
    const gate = downAt(0);
    for (let i = 0, atMs = 100; i < 8; i++) {
      expect(gate.gate.wantsFreshProbe).to.equal(false);
      gate.post(Outcome.TIMED_OUT, atMs, atMs + 1);
      atMs = gate.opensAtMs(atMs);
    }
    expect(gate.gate.wantsFreshProbe).to.equal(true);
    gate.post(Outcome.TIMED_OUT, 50_000, 50_001);
    expect(gate.gate.wantsFreshProbe).to.equal(false);
    gate.post(Outcome.REJECTED, 60_000, 60_001);
    expect(gate.gate.wantsFreshProbe).to.equal(true);
  });

  for (const [name, outcome] of Object.entries({
    FAILING: Outcome.FAILING,
    TIMED_OUT: Outcome.TIMED_OUT,
    UNREACHABLE: Outcome.UNREACHABLE,
    UNEXPECTED: Outcome.UNEXPECTED,
    MISCONFIGURED: Outcome.MISCONFIGURED,
    GATEWAY_FAILED: Outcome.GATEWAY_FAILED,
    GARBLED: Outcome.GARBLED,
  })) {
    it(`goes down on ${name}, and says so in the health word`, () => {
      const gate = new Gate();
      gate.post(outcome, 0, 10);
      expect([gate.admit(10), gate.gate.isDown]).to.deep.equal(["down", true]);
      expect(isFeltDown(gate.health.read(0))).to.equal(true);
    });
  }

  for (const [name, outcome] of Object.entries({
    CHARGED: Outcome.CHARGED,
    ALREADY_CHARGED: Outcome.ALREADY_CHARGED,
    REJECTED: Outcome.REJECTED,
    OVERLOADED: Outcome.OVERLOADED,
    UNCLEAR: Outcome.UNCLEAR,
    ADMITTED: Outcome.ADMITTED,
    DROPPED: Outcome.DROPPED,
  })) {
    it(`does not go down on ${name}`, () => {
      const gate = new Gate();
      for (let i = 0; i < 5; i++) gate.post(outcome, i * 1000, i * 1000 + 5);
      expect([gate.admit(9999), gate.gate.isDown]).to.deep.equal(["open", false]);
    });
  }

  it("goes down on the second broken connection in a row, not on the first", () => {
    const gate = new Gate();
    gate.post(Outcome.RESET, 0, 5);
    expect(gate.admit(5)).to.equal("open");
    gate.post(Outcome.CHARGED, 6, 7);
    gate.post(Outcome.RESET, 8, 9);
    expect(gate.admit(9)).to.equal("open");
    gate.post(Outcome.RESET, 10, 11);
    expect(gate.admit(11)).to.equal("down");
  });

  it("does not go down on news older than the last known success", () => {
    const gate = new Gate();
    for (const beganAtMs of [0, 100]) gate.begin(beganAtMs);
    gate.end(Outcome.CHARGED, 100, 110);
    gate.end(Outcome.TIMED_OUT, 0, 1500);
    expect(gate.admit(1500)).to.equal("open");
    gate.post(Outcome.TIMED_OUT, 101, 1601);
    expect(gate.admit(1601)).to.equal("down");
  });

  it("goes down on a poll that says failing", () => {
    const gate = new Gate();
    gate.post(Outcome.CHARGED, 0, 5);
    gate.poll(true, 1000);
    expect([gate.admit(1001), gate.gate.isDown]).to.deep.equal(["down", true]);
  });

  it("does not come up by a poll, but gives one probe at once", () => {
    const gate = new Gate();
    gate.poll(true, 0);
    expect(gate.admit(1)).to.equal("down");
    gate.poll(false, 50);
    expect(gate.admit(51)).to.equal("down");
    gate.poll(false, 5000);
    gate.end(Outcome.FAILING, 0, 4999);
    expect(gate.admit(5001)).to.equal("open");
    gate.begin(5001);
    for (const atMs of [5001, 5100, 6000, 8000]) expect(gate.admit(atMs)).to.equal("down");
    expect(gate.gate.isDown).to.equal(true);
    gate.end(Outcome.CHARGED, 5001, 8000);
    expect([gate.admit(8000), gate.gate.isDown]).to.deep.equal(["open", false]);
  });

  it("gives no probe at once for a poll that says failing again", () => {
    const gate = downAt(0);
    expect(gate.opensAtMs(0)).to.equal(100);
    gate.begin(100);
    gate.end(Outcome.FAILING, 100, 105);
    gate.poll(true, 1000);
    expect(gate.admit(200)).to.equal("down");
    gate.poll(false, 2000);
    expect(gate.admit(201)).to.equal("open");
  });

  it("heeds a poll once", () => {
    const gate = downAt(0);
    gate.poll(false, 5000);
    expect(gate.admit(50)).to.equal("open");
    gate.begin(50);
    gate.end(Outcome.FAILING, 50, 60);
    expect(gate.opensAtMs(60)).to.equal(260);
  });

  it("probes after 100 ms and then at doubling intervals up to a second, counted from the failure of a probe", () => {
    const gate = downAt(0);
    const waitsMs = [];
    for (let atMs = 0; waitsMs.length < 7; ) {
      const opensAtMs = gate.opensAtMs(atMs);
      waitsMs.push(opensAtMs - atMs);
      gate.begin(opensAtMs);
      atMs = opensAtMs + 30;
      gate.end(Outcome.FAILING, opensAtMs, atMs);
    }
    expect(waitsMs).to.deep.equal([100, 200, 400, 800, 1000, 1000, 1000]);
  });

  it("begins with short intervals again after it was up", () => {
    const gate = downAt(0);
    gate.post(Outcome.FAILING, 100, 110);
    gate.post(Outcome.FAILING, 310, 320);
    gate.post(Outcome.CHARGED, 720, 730);
    gate.post(Outcome.FAILING, 740, 750);
    expect(gate.opensAtMs(750)).to.equal(850);
  });

  it("gives one probe at a time, and the next one 3 s after a probe that is not answered", () => {
    const gate = downAt(0);
    expect(gate.opensAtMs(0)).to.equal(100);
    gate.begin(100);
    expect(gate.opensAtMs(101)).to.equal(3100);
    gate.begin(3100);
    gate.end(Outcome.TIMED_OUT, 100, 3500);
    expect(gate.opensAtMs(3500)).to.equal(6100);
  });

  it("comes up by the success of any attempt begun since it went down, not of an earlier one", () => {
    const gate = new Gate();
    gate.begin(0);
    gate.begin(1);
    gate.end(Outcome.FAILING, 1, 10);
    gate.end(Outcome.CHARGED, 0, 20);
    expect(gate.admit(20)).to.equal("down");
    gate.begin(110);
    expect(gate.opensAtMs(110)).to.equal(3110);
    gate.begin(3110);
    gate.end(Outcome.CHARGED, 110, 3200);
    expect(gate.admit(3200)).to.equal("open");
    expect(isUp(gate.health.read(0))).to.equal(true);
  });

  it("does not put the next probe off for failures of attempts begun before it went down", () => {
    const gate = new Gate();
    for (let i = 0; i < 20; i++) gate.begin(i);
    for (let i = 0; i < 20; i++) gate.end(Outcome.FAILING, i, 30 + i);
    expect(gate.opensAtMs(50)).to.equal(130);
  });

  it("does not put the next probe off for failures of a burst begun and ended within one millisecond", () => {
    const gate = new Gate();
    for (let i = 0; i < 16; i++) gate.begin(5);
    for (let i = 0; i < 16; i++) gate.end(Outcome.FAILING, 5, 5);
    expect(gate.opensAtMs(5)).to.equal(105);
  });

  it("does not put the next probe off for a 429 to an attempt begun before it went down", () => {
    const gate = new Gate();
    for (let i = 0; i < 5; i++) gate.begin(i);
    gate.end(Outcome.FAILING, 0, 10);
    for (let i = 1; i < 5; i++) gate.end(Outcome.OVERLOADED, i, 10 + i);
    expect(gate.opensAtMs(15)).to.equal(110);
  });

  it("backs off after a probe that was rejected or not answered clearly: it would ask without end", () => {
    for (const outcome of [Outcome.REJECTED, Outcome.UNCLEAR]) {
      const gate = downAt(0);
      gate.post(outcome, 100, 110);
      expect([gate.opensAtMs(110), gate.gate.isDown]).to.deep.equal([310, true]);
    }
  });

  it("goes down as misconfigured when eight different payments are rejected in a row", () => {
    const gate = new Gate();
    for (let i = 0; i < 7; i++) gate.post(Outcome.REJECTED, i, i);
    expect(gate.gate.isDown).to.equal(false);
    gate.post(Outcome.REJECTED, 8, 8);
    expect([gate.gate.isDown, gate.gate.downReason]).to.deep.equal([true, Outcome.REJECTED]);
  });

  it("stays up for one payment that is rejected again and again, and for odd ones among good ones", () => {
    const { gate } = new Gate();
    for (let i = 0; i < 50; i++)
      gate.postEnded(Outcome.REJECTED, 7, NOON_MS + i, NOON_MS + i, gate.began(true, NOON_MS + i));
    for (let i = 50; i < 100; i++) {
      const outcome = i % 8 === 0 ? Outcome.CHARGED : Outcome.REJECTED;
      gate.postEnded(outcome, i, NOON_MS + i, NOON_MS + i, gate.began(true, NOON_MS + i));
    }
    expect(gate.isDown).to.equal(false);
  });

  it("counts a payment whose answer was unclear as taken or as odd by what a lookup finds", () => {
    const { gate } = new Gate();
    const explain = (sequence: number, isCharged: boolean): void => {
      gate.postEnded(Outcome.UNCLEAR, sequence, NOON_MS, NOON_MS + 1, gate.began(true, NOON_MS));
      gate.postExplained(isCharged, sequence, NOON_MS, NOON_MS + 2);
    };
    for (let i = 0; i < 7; i++) explain(i, false);
    explain(7, true);
    for (let i = 10; i < 17; i++) explain(i, false);
    expect(gate.isDown).to.equal(false);
    explain(17, false);
    expect(gate.isDown).to.equal(true);
  });

  it("comes back by a probe whose unclear answer a lookup explains as a charge", () => {
    const gate = downAt(0);
    gate.post(Outcome.UNCLEAR, 100, 110);
    gate.gate.postExplained(true, 0, NOON_MS + 100, NOON_MS + 120);
    expect([gate.gate.isDown, gate.admit(121)]).to.deep.equal([false, "open"]);
  });

  it("pauses for 100 ms after a 429 and halves the limit once a round", () => {
    const gate = new Gate();
    for (let i = 0; i < 16; i++) gate.begin(0);
    for (let i = 0; i < 16; i++) gate.end(Outcome.OVERLOADED, 0, 10);
    expect(gate.gate.limit).to.equal(8);
    expect(gate.opensAtMs(10)).to.equal(110);
    for (let i = 0; i < 8; i++) {
      expect(gate.admit(110)).to.equal("open");
      gate.begin(110);
    }
    expect(gate.admit(110)).to.equal("saturated");
  });

  it("gives a processor that hangs one attempt in 250 ms, and its places back once one of these is answered", () => {
    const gate = new Gate();
    for (let atMs = 0; atMs < 16; atMs++) gate.begin(atMs);
    expect(gate.admit(199)).to.equal("saturated");
    expect(gate.opensAtMs(200)).to.equal(265);
    gate.begin(265);
    expect(gate.opensAtMs(266)).to.equal(515);
    gate.begin(515);
    gate.end(Outcome.CHARGED, 515, 520);
    for (let atMs = 521; atMs < 521 + 16; atMs++) {
      expect(gate.admit(atMs)).to.equal("open");
      gate.begin(atMs);
    }
    expect(gate.admit(540)).to.equal("saturated");
  });

  it("gives no more than are allowed in flight, however many are stuck", () => {
    const gate = new Gate(2);
    for (const atMs of [0, 1]) gate.begin(atMs);
    expect(gate.admit(5000)).to.equal("saturated");
  });

  it("gives its places back after an outage, whatever is still out from before", () => {
    const gate = new Gate();
    for (let atMs = 0; atMs < 17; atMs++) gate.begin(atMs);
    gate.end(Outcome.TIMED_OUT, 0, 1000);
    gate.post(Outcome.CHARGED, 1100, 1110);
    expect(gate.admit(1111)).to.equal("open");
  });

  it("starts slowly after an outage", () => {
    const gate = new Gate(200);
    for (let round = 0; round < 3; round++) {
      const limit = gate.gate.limit;
      for (let i = 0; i < limit; i++) gate.begin(round * 10);
      for (let i = 0; i < limit; i++) gate.end(Outcome.CHARGED, round * 10, round * 10 + 5);
    }
    expect(gate.gate.limit).to.be.above(18);
    gate.post(Outcome.FAILING, 40, 50);
    gate.post(Outcome.CHARGED, 150, 160);
    expect(gate.gate.limit).to.equal(16);
  });

  it("tells a probe from other attempts", () => {
    const gate = new Gate();
    expect(gate.gate.began(true, NOON_MS)).to.equal(NO_PROBE);
    gate.begin(1);
    gate.end(Outcome.FAILING, 1, 10);
    expect(gate.gate.began(false, NOON_MS + 110)).to.equal(NO_PROBE);
    expect(gate.gate.began(true, NOON_MS + 110)).to.not.equal(NO_PROBE);
  });

  it("is not kept from the next probe by one that no longer matters, nor opened by a lookup of the same ms", () => {
    const gate = downAt(0);
    const probe = gate.gate.began(true, NOON_MS + 100);
    gate.gate.began(false, NOON_MS + 100);
    gate.gate.lookupEnded();
    expect(gate.admit(101)).to.equal("down");
    gate.gate.postDropped(probe, NOON_MS + 100);
    expect(gate.admit(102)).to.equal("open");
  });

  it("heeds a health word that was bad before the gate was there", () => {
    const health = new HealthSnapshot(1);
    health.feltDown(0);
    const gate = new ProcessorGate(0, health, { name: "a", feePpm: 0, maxInFlight: 4 });
    expect([gate.admit(NOON_MS), gate.isDown]).to.deep.equal([DOWN, true]);
    expect(gate.admit(NOON_MS + 100)).to.equal(OPEN);
  });
});

const FAILURES = [Outcome.FAILING, Outcome.TIMED_OUT, Outcome.UNREACHABLE];

/** What a gate must do, from a plain account of the events. Every event has its own millisecond. */
class Account {
  readonly health = new HealthSnapshot(1);
  readonly gate: ProcessorGate;
  readonly out: { isPost: boolean; beganAtMs: number; probe: number; sequence: number }[] = [];
  readonly #odd = new Set<number>();
  nowMs = NOON_MS;
  #downSinceMs = Number.POSITIVE_INFINITY;
  #saidFailing = false;
  /** A poll that said not failing and was not looked at yet. */
  #hasGoodNews = false;
  #failedProbeCount = 0;
  #nextProbeAtMs = 0;
  #probe: { beganAtMs: number } | undefined;
  #pausedUntilMs = 0;
  #lossesInARow = 0;
  #lastSuccessBeganAtMs = 0;
  #lastBeganAtMs = 0;
  /** When it was seen to hang. */
  #hangsSinceMs: number | undefined;
  /** Attempts that were overtaken by one that was answered. */
  #stuck = new Set<object>();
  readonly #maxInFlight: number;

  constructor(maxInFlight: number) {
    this.#maxInFlight = maxInFlight;
    this.gate = new ProcessorGate(0, this.health, { name: "a", feePpm: 0, maxInFlight: maxInFlight });
  }

  get #isDown(): boolean {
    return this.#downSinceMs <= this.nowMs;
  }

  poll(failing: boolean): void {
    // A second later, so that every poll has its own stamp.
    this.nowMs += 1000;
    this.health.polled(0, failing, 0, this.nowMs);
    this.#saidFailing = failing;
    this.#hasGoodNews = !failing;
  }

  /** Asks the gate and compares; returns whether it is open. */
  admit(): boolean {
    if (!this.#isDown && this.#saidFailing) this.#goDown();
    if (this.#isDown && this.#hasGoodNews) this.#nextProbeAtMs = this.nowMs;
    this.#hasGoodNews = false;
    const admitted = this.gate.admit(this.nowMs);
    expect(admitted).to.equal(this.#isDown ? this.#whenDown() : this.#whenUp());
    return admitted === OPEN;
  }

  begin(isPost: boolean, sequence: number): void {
    const request = { isPost, beganAtMs: this.nowMs, probe: this.gate.began(isPost, this.nowMs), sequence };
    this.out.push(request);
    if (isPost) this.#lastBeganAtMs = this.nowMs;
    if (isPost && this.#isDown) this.#probe = request;
  }

  end(index: number, outcome: number): void {
    const request = this.out.splice(index, 1)[0]!;
    const wasProbe = request === this.#probe;
    if (wasProbe) this.#probe = undefined;
    if (request.isPost) {
      this.gate.postEnded(outcome, request.sequence, request.beganAtMs, this.nowMs, request.probe);
      if (this.#isNothingAwaited) this.#hangsSinceMs = undefined;
      if (Outcome.isAnswer(outcome)) this.#answered(request.beganAtMs);
      this.#postEnded(outcome, request, wasProbe);
    } else {
      this.gate.lookupEnded();
    }
  }

  expectConsistent(): void {
    expect(this.gate.inFlightCount).to.equal(this.out.length);
    expect(this.gate.isDown).to.equal(this.#isDown);
    expect(isFeltDown(this.health.read(0))).to.equal(this.#isDown);
  }

  #whenUp(): number {
    const posts = this.#posts;
    if (this.nowMs < this.#pausedUntilMs || posts.length >= this.#maxInFlight) return SATURATED;
    if (this.gate.isHanging(this.nowMs)) {
      this.#hangsSinceMs ??= this.nowMs;
      return this.nowMs - this.#lastBeganAtMs >= 250 ? OPEN : SATURATED;
    }
    return posts.filter((post) => !this.#stuck.has(post)).length < this.gate.limit ? OPEN : SATURATED;
  }

  get #posts(): object[] {
    return this.out.filter(({ isPost }) => isPost);
  }

  get #isNothingAwaited(): boolean {
    return this.#posts.every((post) => this.#stuck.has(post));
  }

  #answered(beganAtMs: number): void {
    if (this.#hangsSinceMs !== undefined && beganAtMs >= this.#hangsSinceMs) this.#stuck = new Set(this.#posts);
    this.#hangsSinceMs = undefined;
  }

  #whenDown(): number {
    const isProbing = this.#probe !== undefined && this.nowMs - this.#probe.beganAtMs < 3000;
    return !isProbing && this.nowMs >= this.#nextProbeAtMs ? OPEN : DOWN;
  }

  #postEnded(
    outcome: number,
    { beganAtMs, sequence }: { beganAtMs: number; sequence: number },
    wasProbe: boolean,
  ): void {
    if (outcome === Outcome.CHARGED) {
      this.#succeeded(beganAtMs);
      return;
    }
    if (outcome === Outcome.OVERLOADED) this.#pausedUntilMs = this.nowMs + 100;
    if (this.#isDown) {
      if (wasProbe) this.#probeFailed();
    } else if (beganAtMs >= this.#lastSuccessBeganAtMs) {
      if (outcome === Outcome.RESET) this.#lossesInARow++;
      if (outcome === Outcome.REJECTED) this.#odd.add(sequence);
      if (FAILURES.includes(outcome) || this.#lossesInARow === 2 || this.#odd.size === 8) this.#goDown();
    }
  }

  #succeeded(beganAtMs: number): void {
    this.#lossesInARow = 0;
    this.#odd.clear();
    this.#lastSuccessBeganAtMs = Math.max(this.#lastSuccessBeganAtMs, beganAtMs);
    if (beganAtMs <= this.#downSinceMs) return;
    this.#downSinceMs = Number.POSITIVE_INFINITY;
    this.#saidFailing = false;
    this.#stuck = new Set(this.#posts);
  }

  #probeFailed(): void {
    this.#failedProbeCount++;
    this.#nextProbeAtMs = this.nowMs + Math.min(100 * 2 ** this.#failedProbeCount, 1000);
  }

  #goDown(): void {
    this.#downSinceMs = this.nowMs;
    this.#nextProbeAtMs = this.nowMs + 100;
    this.#failedProbeCount = 0;
    this.#lossesInARow = 0;
    this.#odd.clear();
    this.#hasGoodNews = false;
    this.#probe = undefined;
  }
}

function randomOutcome(random: Random, goodness: number): number {
  if (random.chance(goodness))
    return random.pick([Outcome.CHARGED, Outcome.CHARGED, Outcome.CHARGED, Outcome.ALREADY_CHARGED, Outcome.REJECTED]);
  return random.pick([Outcome.FAILING, Outcome.TIMED_OUT, Outcome.UNREACHABLE, Outcome.RESET, Outcome.OVERLOADED]);
}

describe("processor gate under random events", () => {
  it("does what a plain account of the events says", () => {
    forSeeds(60, (random) => {
      const account = new Account(random.between(1, 40));
      let goodness = 1;
      for (let step = 0; step < 1500; step++) {
        account.nowMs += random.chance(0.02) ? random.between(500, 4000) : random.between(1, 30);
        if (random.chance(0.01)) goodness = random.pick([0, 0.5, 0.95, 1]);
        if (random.chance(0.01)) account.poll(random.chance(0.5));
        if (random.chance(0.5)) {
          if (account.admit()) account.begin(true, random.below(20));
          else if (random.chance(0.1)) account.begin(false, 0);
        } else if (account.out.length > 0) {
          account.end(random.below(account.out.length), randomOutcome(random, goodness));
        }
        account.expectConsistent();
      }
    });
  });
});
