import { ACCEPTED_NEW, CONFLICT, DUPLICATE, Engine, type EngineOptions, FULL } from "../../core/engine.ts";
import { BY_EITHER, FLIGHT_FREE, LOOKING_UP, NO_FLIGHT, POSTING } from "../../core/flights.ts";
import { HealthSnapshot } from "../../core/health-snapshot.ts";
import { Ledger } from "../../core/ledger.ts";
import {
  ALREADY_CHARGED,
  FAILED,
  IN_DOUBT,
  isCharged,
  isRefused,
  NO_PROCESSOR,
  OUTCOME_NAMES,
  PENDING,
  PROCESSED,
  PROCESSOR_COUNT,
  SENDING,
  STATE_NAMES,
} from "../../core/payment.ts";
import { RECORD_BYTES, RecordBatch } from "../../core/record.ts";
import { Replay } from "../../core/replay.ts";
import { formatUuid, UUID_WORDS } from "../../core/uuid.ts";
import { NOT_FOUND_SLOT } from "../../core/uuid-index.ts";
import { TOTALS_LENGTH } from "../../core/window-totals.ts";
import { NaiveTotals, NOON_MS } from "./payments.ts";
import type { Random } from "./random.ts";
import { type Request, Timeline, VirtualLink, VirtualProcessor } from "./virtual-processors.ts";

/** How long the world is bad, and how long it may then take until every payment has ended. */
const STORM_MS = 12_000;
const CALM_MS_MAX = 600_000;
const POLL_INTERVAL_MS = 5000;
const PROBE_ANSWER_MS_MAX = 3000;
const EVICTIONS_MAX = 512;

/** What is known of a payment without the engine's help. */
type Known = {
  id: Int32Array;
  key: string;
  cents: number;
  acceptedAtMs: number;
  state: number;
  processor: number;
  requestedAtMs: number;
  sentCount: number;
  /** A request about it is out. */
  isOut: boolean;
};

/** A request chosen in this turn, which leaves when the turn's records are in the log. */
type Outgoing = { flight: number; payment: Known; processor: number; how: number };

/** Totals that were final when they were asked for. */
type Final = { beforeMs: number; totals: number[] };

/**
 * An engine among two virtual processors and a log, under a virtual clock, with everything that can go wrong: processors that
 * are slow, failing, overloaded or out of reach, lost requests and answers, a log that cannot be written, the end of the
 * process at any moment, purges. Every step is compared with a plain account of what has happened.
 */
export class Simulation {
  readonly #random: Random;
  readonly #timeline: Timeline;
  readonly #links: readonly VirtualLink[];
  readonly #options: EngineOptions;
  readonly #log: Uint8Array[] = [];
  readonly #out = new Float64Array(TOTALS_LENGTH);
  #health: HealthSnapshot;
  #engine: Engine;
  /** The process's number: what an earlier one was waiting for reaches nobody. */
  #life = 0;
  #payments = new Map<string, Known>();
  /** Those of them in flight or in doubt. */
  readonly #open = new Set<Known>();
  /** What is known of each payment by the log. */
  readonly #logged = new Map<string, Known>();
  readonly #unlogged = new Set<Known>();
  #gone: Known[] = [];
  #finals: Final[] = [];
  #turnAccepted: Known[] = [];
  #turnEvicted: Known[] = [];
  #turnOutgoing: Outgoing[] = [];
  #flights = new Map<number, { payment: Known | undefined; processor: number; how: number }>();
  #probes: { flight: number; processor: number; beganAtMs: number }[] = [];
  #isLogFailing = false;
  #isStormy = true;
  #lastSentAtMs = 0;
  #rate = 1;
  readonly counts = {
    accepted: 0,
    processed: 0,
    failed: 0,
    doubts: 0,
    restarts: 0,
    purges: 0,
    evictions: 0,
    reverts: 0,
    probes: 0,
  };

  constructor(random: Random) {
    this.#random = random;
    this.#timeline = new Timeline(NOON_MS, random);
    const timeoutMs = random.pick([100, 400, 1500]);
    const inFlightCountMax = random.pick([3, 30, 800]);
    this.#links = Array.from({ length: PROCESSOR_COUNT }, () => {
      const processor = new VirtualProcessor(this.#timeline, inFlightCountMax);
      return new VirtualLink(processor, this.#timeline, random, timeoutMs);
    });
    this.#options = {
      instance: random.below(256),
      capacity: random.pick([5, 50, 600, 600]),
      seed: random.bits(),
      giveUpAfterMs: random.pick([700, 5000, 1e9, 1e9]),
      maxInFlight: random.pick([1, 4, 30, 200]),
      failoverPatienceMs: random.pick([0, 0, 50, 800, Number.POSITIVE_INFINITY]),
      saturationPatienceMs: random.pick([0, 500, Number.POSITIVE_INFINITY]),
      retainCount: random.pick([0, 0, 30]),
      retainMs: random.pick([0, 0, 2000]),
    };
    this.#health = new HealthSnapshot(PROCESSOR_COUNT);
    this.#engine = new Engine(this.#health, this.#options);
  }

  run(): void {
    for (const processor of [0, 1]) this.#pollLater(processor, this.#random.below(POLL_INTERVAL_MS));
    while (this.#timeline.nowMs < NOON_MS + STORM_MS) this.#stormyTurn();
    this.#calmDown();
    while (this.#openCount() > 0) {
      if (this.#timeline.nowMs > NOON_MS + STORM_MS + CALM_MS_MAX)
        fail(`every payment ends: open=${this.#openCount()}`);
      this.#turn(this.#random.between(1, 20));
    }
    this.#expectAllAccountedFor();
    this.#expectSameFromLog();
  }

  // ── the world ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #stormyTurn(): void {
    const random = this.#random;
    if (random.chance(0.01)) this.#changeWeather();
    if (random.chance(0.01)) this.#rate = random.pick([0, 0.3, 1, 3]);
    if (random.chance(0.05)) this.#isLogFailing = false;
    if (random.chance(0.001)) this.#purge();
    this.#turn(random.below(10));
  }

  #changeWeather(): void {
    const random = this.#random;
    const link = random.pick(this.#links);
    link.isUnreachable = random.chance(0.15);
    link.lossProbability = random.pick([0, 0, 0.02, 0.3]);
    link.latencyMsMax = random.pick([0, 2, 20]);
    link.processor.isFailing = random.chance(0.3);
    link.processor.delayMs = random.pick([0, 0, 5, 100, 2000]);
  }

  #calmDown(): void {
    this.#isStormy = false;
    this.#isLogFailing = false;
    for (const link of this.#links) {
      Object.assign(link, { isUnreachable: false, lossProbability: 0, latencyMsMax: 5 });
      Object.assign(link.processor, { isFailing: false, delayMs: 2 });
    }
  }

  #pollLater(processor: number, delayMs: number): void {
    this.#timeline.after(delayMs, () => {
      const link = this.#links[processor]!;
      if (!link.isUnreachable) {
        this.#health.polled(processor, link.processor.isFailing, link.processor.delayMs, this.#timeline.nowMs);
      }
      this.#pollLater(processor, POLL_INTERVAL_MS);
    });
  }

  // ── a turn of the process ─────────────────────────────────────────────────────────────────────────────────────────

  /** What happens meanwhile, then new work, then what was chosen to be sent leaves once the log has it. */
  #turn(durationMs: number): void {
    this.#timeline.runUntil(this.#timeline.nowMs + durationMs);
    if (this.#random.chance(0.1)) this.#checkFinal(this.#engine.settledUntilMs(this.#clock()));
    if (!this.#isLogFailing) {
      if (this.#isStormy) for (let n = this.#random.below(1 + 2 * this.#rate); n > 0; n--) this.#accept();
      if (this.#random.chance(0.2)) this.#giveUp();
      if (this.#random.chance(0.2)) this.#evict();
      this.#dispatch(this.#random.below(12));
    }
    this.#check();
    if (this.#isStormy && this.#random.chance(0.002)) this.#restart();
    else if (this.#isStormy && !this.#isLogFailing && this.#random.chance(0.005)) this.#revert();
    else if (!this.#isLogFailing) this.#commit();
  }

  /** Times told to the engine sometimes come late; it goes by the latest it was told. */
  #clock(): number {
    return this.#timeline.nowMs - (this.#random.chance(0.05) ? this.#random.below(30) : 0);
  }

  #accept(): void {
    if (this.#payments.size > 0 && this.#random.chance(0.1)) {
      this.#acceptAgain(this.#random.pick([...this.#payments.values()]));
      return;
    }
    const id = this.#random.uuid();
    const cents = this.#random.between(1, 100_000_000);
    const headBefore = this.#engine.ledger.head;
    const result = this.#engine.accept(id, 0, cents, this.#clock());
    const isFull = this.#payments.size === this.#options.capacity;
    expectSame("accepted unless full", result, isFull ? FULL : ACCEPTED_NEW);
    expectSame("one sequence for each accepted", this.#engine.ledger.head - headBefore, isFull ? 0 : 1);
    if (isFull) return;
    const payment = {
      id,
      key: formatUuid(id),
      cents,
      acceptedAtMs: this.#engine.nowMs,
      state: PENDING,
      processor: NO_PROCESSOR,
      requestedAtMs: 0,
      sentCount: 0,
      isOut: false,
    };
    this.#payments.set(payment.key, payment);
    this.#unlogged.add(payment);
    this.#turnAccepted.push(payment);
    this.counts.accepted++;
  }

  #acceptAgain(payment: Known): void {
    const isSame = this.#random.chance(0.5);
    const cents = isSame ? payment.cents : payment.cents + 1;
    const result = this.#engine.accept(payment.id, 0, cents, this.#clock());
    expectSame("a repetition is told from a conflict", result, isSame ? DUPLICATE : CONFLICT);
  }

  #giveUp(): void {
    const failed: string[] = [];
    this.#engine.giveUpOld(this.#clock(), (slot) => failed.push(this.#keyOf(slot)));
    const old = [...this.#payments.values()].filter(
      ({ state, acceptedAtMs }) =>
        state === PENDING && this.#engine.nowMs - acceptedAtMs >= this.#options.giveUpAfterMs,
    );
    expectSame("exactly the old pending ones are given up", failed.join(), old.map(({ key }) => key).join());
    for (const payment of old) this.#become(payment, { state: FAILED });
  }

  /** Ended payments go, the oldest first, up to the first that is to be kept. */
  #evict(): void {
    this.#engine.evictOld(this.#clock());
    const { retainCount, retainMs } = this.#options;
    for (const payment of [...this.#payments.values()].slice(0, EVICTIONS_MAX)) {
      const isBeyondCount = retainCount !== 0 && this.#payments.size > retainCount!;
      const isBeyondAge = retainMs !== 0 && this.#engine.nowMs - payment.acceptedAtMs > retainMs!;
      if (payment.state < PROCESSED || (!isBeyondCount && !isBeyondAge)) break;
      this.#payments.delete(payment.key);
      this.#unlogged.delete(payment);
      this.#turnEvicted.push(payment);
      this.counts.evictions++;
      this.#expectAccountedFor(payment);
      expectSame("a payment beyond retention is unknown", this.#engine.lookup(payment.id), NOT_FOUND_SLOT);
    }
    // What was final then is now less by what is gone.
    if (this.#turnEvicted.length > 0) this.#finals = [];
    expectSame("payments kept", this.#engine.ledger.size, this.#payments.size);
  }

  #dispatch(countMax: number): void {
    for (let n = 0; n < countMax; n++) {
      const flight = this.#engine.dispatch(this.#clock());
      if (flight === NO_FLIGHT) return;
      const { flights } = this.#engine;
      const payment = this.#payments.get(this.#keyOf(flights.slot[flight]!))!;
      const outgoing = { flight, payment, processor: flights.processor[flight]!, how: flights.state[flight]! };
      if (payment.state === PENDING) this.#expectFirstSending(outgoing);
      else this.#expectAskedAgain(outgoing);
      this.#expectAdmitted(outgoing);
      payment.isOut = true;
      this.#flights.set(flight, outgoing);
      this.#turnOutgoing.push(outgoing);
    }
  }

  #expectFirstSending({ payment, processor, how }: Outgoing): void {
    const requestedAtMs = this.#requestedAtMs(payment);
    expectSame("a pending payment is posted", how, POSTING);
    expectSame("requestedAt is the time of sending", requestedAtMs, this.#engine.nowMs);
    if (requestedAtMs < this.#lastSentAtMs) fail("requestedAt never goes back");
    this.#lastSentAtMs = requestedAtMs;
    this.#become(payment, { state: SENDING, processor, requestedAtMs, sentCount: payment.sentCount + 1 });
  }

  #expectAskedAgain({ payment, processor, how }: Outgoing): void {
    expectSame("only a payment in doubt is asked about again", payment.state, IN_DOUBT);
    expectSame("one request at a time for each payment", payment.isOut, false);
    expectSame("a payment in doubt stays with its processor", processor, payment.processor);
    expectSame("a payment in doubt keeps its requestedAt", this.#requestedAtMs(payment), payment.requestedAtMs);
    if (how !== POSTING && how !== LOOKING_UP) fail(`a doubt is asked about by POST or GET: how=${how}`);
  }

  #expectAdmitted({ flight, processor, how }: Outgoing): void {
    const gate = this.#engine.router.gates[processor]!;
    if (how === LOOKING_UP) {
      const isAskedByGetOnly = this.#engine.flights.askMode[flight] !== BY_EITHER;
      expectSame("only a processor that is down, or too slow, is asked by GET", gate.isDown || isAskedByGetOnly, true);
    } else if (gate.isDown) {
      const beganAtMs = this.#engine.nowMs;
      for (const probe of this.#probes) {
        if (probe.processor !== processor || beganAtMs - probe.beganAtMs >= PROBE_ANSWER_MS_MAX) continue;
        fail(`one probe at a time: processor=${processor} sinceMs=${beganAtMs - probe.beganAtMs}`);
      }
      this.#probes.push({ flight, processor, beganAtMs });
      this.counts.probes++;
    } else if (gate.inFlightCount > gate.limit) {
      fail(`no more in flight than the limit: inFlight=${gate.inFlightCount} limit=${gate.limit}`);
    }
  }

  #settled(life: number, flight: number, outcome: number): void {
    if (life !== this.#life) return;
    const { payment } = this.#flights.get(flight)!;
    this.#flights.delete(flight);
    this.#probes = this.#probes.filter((probe) => probe.flight !== flight);
    const slot = this.#engine.settle(flight, outcome, this.#clock());
    expectSame("settling names the payment", slot === NOT_FOUND_SLOT ? undefined : this.#keyOf(slot), payment?.key);
    if (payment !== undefined) this.#conclude(payment, outcome);
    this.#forgetProbesOfWorking();
  }

  #conclude(payment: Known, outcome: number): void {
    payment.isOut = false;
    const wasInDoubt = payment.state === IN_DOUBT;
    if (outcome === ALREADY_CHARGED && !wasInDoubt) fail("nobody else charges our payments");
    if (isCharged(outcome)) this.#become(payment, { state: PROCESSED });
    else if (wasInDoubt || !isRefused(outcome)) this.#become(payment, { state: IN_DOUBT });
    else this.#become(payment, { state: PENDING, processor: NO_PROCESSOR });
    if (payment.state === IN_DOUBT) this.counts.doubts++;
    const state = this.#engine.ledger.rows.state[this.#slotOf(payment)]!;
    expectSame(`state after ${OUTCOME_NAMES[outcome]}`, STATE_NAMES[state], STATE_NAMES[payment.state]);
  }

  #become(payment: Known, change: Partial<Known>): void {
    Object.assign(payment, change);
    this.#unlogged.add(payment);
    if (payment.state === SENDING || payment.state === IN_DOUBT) this.#open.add(payment);
    else this.#open.delete(payment);
  }

  /** A processor that came up may go down again and be probed anew, whatever probes are still out. */
  #forgetProbesOfWorking(): void {
    this.#probes = this.#probes.filter(({ processor }) => this.#engine.router.gates[processor]!.isDown);
  }

  // ── the log ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #commit(): void {
    const { batch } = this.#engine;
    batch.seal(this.#log.length);
    for (let record = 0; record < batch.count; record++) {
      this.#log.push(batch.bytes.slice(record * RECORD_BYTES, (record + 1) * RECORD_BYTES));
    }
    batch.clear();
    for (const payment of this.#unlogged) this.#logged.set(payment.key, { ...payment });
    for (const { key } of this.#turnEvicted) this.#logged.delete(key);
    this.#turnEvicted = [];
    this.#unlogged.clear();
    for (const outgoing of this.#turnOutgoing) this.#send(outgoing);
    this.#turnOutgoing = [];
    this.#turnAccepted = [];
    const untilMs = this.#engine.settledUntilMs(this.#clock());
    expectSame("the watermark is the earliest requestedAt that is open", untilMs, this.#earliestOpenMs());
  }

  #send({ flight, payment, processor, how }: Outgoing): void {
    const life = this.#life;
    const link = this.#links[processor]!;
    const request: Request = { key: payment.key, cents: payment.cents, requestedAtMs: payment.requestedAtMs };
    const answer = (outcome: number) => this.#settled(life, flight, outcome);
    if (how === POSTING) link.post(request, answer);
    else link.lookup(request, answer);
  }

  #revert(): void {
    if (this.#turnAccepted.length + this.#turnOutgoing.length > 0) this.counts.reverts++;
    this.#isLogFailing = true;
    this.#engine.revert();
    for (const outgoing of this.#turnOutgoing) this.#takeBack(outgoing);
    for (const payment of this.#turnAccepted) {
      this.#payments.delete(payment.key);
      this.#unlogged.delete(payment);
      expectSame("what was taken back is unknown", this.#engine.lookup(payment.id), NOT_FOUND_SLOT);
    }
    this.#turnOutgoing = [];
    this.#turnAccepted = [];
    this.#check();
  }

  #takeBack(outgoing: Outgoing): void {
    const { flight, payment } = outgoing;
    if (payment.state === IN_DOUBT) {
      // What is asked about a doubt needs no record, so it goes on.
      this.#send(outgoing);
      return;
    }
    const sentCount = payment.sentCount - 1;
    this.#become(payment, { state: PENDING, processor: NO_PROCESSOR, isOut: false, sentCount });
    expectSame("a sending taken back has no flight", this.#engine.flights.state[flight], FLIGHT_FREE);
    this.#flights.delete(flight);
    this.#probes = this.#probes.filter((probe) => probe.flight !== flight);
  }

  /** The process ends and another one takes up its log. */
  #restart(): void {
    this.counts.restarts++;
    this.#life++;
    this.#health = new HealthSnapshot(PROCESSOR_COUNT);
    this.#engine = new Engine(this.#health, this.#options);
    this.#replay(this.#engine.ledger);
    this.#engine.resume(this.#timeline.nowMs);
    this.#payments = new Map([...this.#logged].map(([key, payment]) => [key, { ...payment, isOut: false }]));
    this.#open.clear();
    this.#unlogged.clear();
    for (const payment of this.#payments.values()) {
      this.#become(payment, { state: payment.state === SENDING ? IN_DOUBT : payment.state });
    }
    this.#flights.clear();
    this.#turnEvicted = [];
    this.#turnOutgoing = [];
    this.#turnAccepted = [];
    this.#probes = [];
    this.#isLogFailing = false;
    this.#check();
  }

  #replay(ledger: Ledger): void {
    const batch = new RecordBatch(Math.max(1, this.#log.length));
    this.#log.forEach((bytes, record) => {
      batch.bytes.set(bytes, record * RECORD_BYTES);
    });
    batch.refill(this.#log.length);
    const { soundCount, problem } = new Replay(ledger).feedSegment(batch);
    expectSame("the log can be replayed", `${soundCount} ${problem}`, `${this.#log.length} undefined`);
  }

  /** A purge is written at once, and only when what was before it could be. */
  #purge(): void {
    if (this.#isLogFailing) return;
    this.counts.purges++;
    this.#commit();
    this.#engine.purge(this.#clock());
    this.#gone = [...this.#payments.values()];
    this.#payments.clear();
    this.#logged.clear();
    this.#open.clear();
    this.#finals = [];
    for (const flight of this.#flights.values()) flight.payment = undefined;
    this.#commit();
  }

  // ── what must hold ────────────────────────────────────────────────────────────────────────────────────────────────

  #check(): void {
    this.#forgetProbesOfWorking();
    const open = [...this.#open];
    for (const processor of [0, 1]) this.#checkCounts(processor, open);
    const untilMs = this.#engine.settledUntilMs(this.#clock());
    if (untilMs > this.#earliestOpenMs()) fail(`nothing before the watermark is open: untilMs=${untilMs}`);
    if (this.#random.chance(0.05)) this.#checkLookups();
  }

  /** The earliest requestedAt in flight or in doubt, or now. */
  #earliestOpenMs(): number {
    let earliestMs = this.#engine.nowMs;
    for (const { requestedAtMs } of this.#open) earliestMs = Math.min(earliestMs, requestedAtMs);
    return earliestMs;
  }

  #checkCounts(processor: number, open: readonly Known[]): void {
    const { flights, router, ledger } = this.#engine;
    const out = [...this.#flights.values()].filter((flight) => flight.processor === processor);
    const bound = open.filter((payment) => payment.processor === processor);
    const orphanCount = out.filter(({ payment }) => payment === undefined).length;
    expectSame("in flight", router.gates[processor]!.inFlightCount, out.length);
    expectSame("flights", flights.openCount(processor), bound.length + orphanCount);
    if (flights.openCount(processor) > flights.quota) fail("flights keep to their quota");
    expectSame("payments kept", ledger.size, this.#payments.size);
  }

  #checkLookups(): void {
    const id = new Int32Array(UUID_WORDS);
    for (const payment of this.#payments.values()) {
      this.#engine.paymentId(this.#slotOf(payment), id);
      expectSame("lookup by payment id", this.#engine.lookup(id), this.#slotOf(payment));
    }
    for (const payment of this.#gone) {
      if (this.#engine.lookup(payment.id) !== NOT_FOUND_SLOT) fail("a purged payment is unknown");
    }
    for (const state of [PENDING, SENDING, IN_DOUBT, PROCESSED, FAILED]) {
      const count = [...this.#payments.values()].filter((payment) => payment.state === state).length;
      expectSame(`payments ${STATE_NAMES[state]}`, this.#engine.ledger.countIn(state), count);
    }
  }

  /** What is before the watermark agrees with the processors, now and ever after. */
  #checkFinal(untilMs: number): void {
    const totals = this.#charged().sum(Number.NEGATIVE_INFINITY, untilMs - 1);
    expectSame("final totals are the processors'", this.#sum(Number.NEGATIVE_INFINITY, untilMs - 1), totals);
    this.#finals.push({ beforeMs: untilMs, totals });
  }

  #expectAllAccountedFor(): void {
    const charged = this.#charged();
    for (const payment of this.#payments.values()) {
      this.#expectAtEnd(payment);
      this.#expectAccountedFor(payment);
    }
    for (let i = 0; i < 30; i++) {
      const [a, b] = [this.#random.below(STORM_MS + 2000), this.#random.below(STORM_MS + 2000)];
      const [fromMs, toMs] = [NOON_MS + Math.min(a, b), NOON_MS + Math.max(a, b)];
      expectSame("totals are the processors'", this.#sum(fromMs, toMs), charged.sum(fromMs, toMs));
    }
    const [from, to] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    expectSame("all totals are the processors'", this.#sum(from, to), charged.sum(from, to));
    for (const { beforeMs, totals } of this.#finals) {
      expectSame("final totals stay as they were", this.#sum(Number.NEGATIVE_INFINITY, beforeMs - 1), totals);
    }
  }

  #expectAtEnd({ id, state, sentCount }: Known): void {
    const slot = this.#engine.lookup(id);
    const { rows } = this.#engine.ledger;
    expectSame("state at the end", rows.state[slot], state);
    expectSame("attempts at the end", rows.attemptCount[slot], sentCount);
  }

  #expectAccountedFor({ key, state, processor, requestedAtMs, cents }: Known): void {
    const charges = this.#links.flatMap((link, at) => {
      const charge = link.processor.charges.get(key);
      return charge ? [{ at, ...charge }] : [];
    });
    const expected = state === PROCESSED ? [{ at: processor, requestedAtMs, cents }] : [];
    expectSame("charged once if processed, else never", JSON.stringify(charges), JSON.stringify(expected));
    if (state === FAILED && this.#options.giveUpAfterMs === 1e9) fail("nothing is given up without need");
    if (state === PROCESSED) this.counts.processed++;
    else this.counts.failed++;
  }

  /** The ledger made of the log is the ledger. */
  #expectSameFromLog(): void {
    this.#commit();
    const ledger = new Ledger(this.#options.capacity, 1);
    this.#replay(ledger);
    for (const { id, state, requestedAtMs } of this.#payments.values()) {
      const slot = ledger.find(id);
      expectSame("slot from the log", slot, this.#engine.lookup(id));
      expectSame("state from the log", ledger.rows.state[slot], state);
      if (state === PROCESSED) expectSame("requestedAt from the log", ledger.rows.requestedAtMs(slot), requestedAtMs);
    }
  }

  // ── small things ──────────────────────────────────────────────────────────────────────────────────────────────────

  #openCount(): number {
    const { ledger } = this.#engine;
    return ledger.countIn(PENDING) + ledger.countIn(SENDING) + ledger.countIn(IN_DOUBT);
  }

  /** The processors' charges of the payments there are. */
  #charged(): NaiveTotals {
    const totals = new NaiveTotals();
    this.#links.forEach((link, processor) => {
      for (const [key, { requestedAtMs, cents }] of link.processor.charges) {
        if (this.#payments.has(key)) totals.add(requestedAtMs, cents, processor);
      }
    });
    return totals;
  }

  #sum(fromMs: number, toMs: number): number[] {
    this.#engine.ledger.sum(fromMs, toMs, this.#out);
    return [...this.#out];
  }

  #slotOf(payment: Known): number {
    const slot = this.#engine.lookup(payment.id);
    if (slot === NOT_FOUND_SLOT) fail(`an accepted payment is known: id=${payment.key}`);
    return slot;
  }

  #requestedAtMs(payment: Known): number {
    return this.#engine.ledger.rows.requestedAtMs(this.#slotOf(payment));
  }

  #keyOf(slot: number): string {
    return formatUuid(this.#engine.ledger.rows.correlationIds, slot * UUID_WORDS);
  }
}

/** Cheaper than an assertion library, for millions of comparisons. */
function expectSame(rule: string, actual: unknown, expected: unknown): void {
  if (actual === expected || String(actual) === String(expected)) return;
  fail(`${rule}: actual=${actual} expected=${expected}`);
}

function fail(rule: string): never {
  throw new Error(rule);
}
