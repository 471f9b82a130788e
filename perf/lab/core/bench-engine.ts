import { Engine } from "../../../core/engine.ts";
import { makeTotals } from "../../../core/ledger/window-totals.ts";
import { NO_FLIGHT } from "../../../core/routing/flights.ts";
import { HealthSnapshot } from "../../../core/routing/health-snapshot.ts";
import { Ways } from "../../../core/routing/ways.ts";
import { ACCEPTED_NEW, DUPLICATE } from "../../../core/values/accept-result.ts";
import { fmix32 } from "../../../core/values/hash.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import * as State from "../../../core/values/state.ts";
import { UUID_WORDS } from "../../../core/values/uuid.ts";
import type { HeapWatch } from "../limits/heap-watch.ts";
import { Samples } from "../load/samples.ts";
import { type BenchmarkPayments, Chunk, centsOf } from "./payments.ts";

/** 16 KiB of ids: they fit the first-level cache beside what is measured, as the bytes of a request just read do. */
const CHUNK_SIZE = 1024;
/** Payments begun before the first of them is settled. */
const FLIGHT_COUNT = 32;
/** So many payments have each millisecond of requestedAt. */
const PAYMENTS_PER_MS = 10;

/** Two processors. */
const TERMS = ["default", "fallback"].map((name, i) => ({ name, feePpm: 50_000 + i * 100_000, maxInFlight: 128 }));

/** Nanoseconds per operation. */
export type Nanoseconds = number;

/**
 * The engine, used as its owner uses it, one kind of operation after the other; every result is checked, outside the
 * clock.
 */
export class BenchEngine {
  readonly engine: Engine;
  readonly #size: number;
  readonly #chunk = new Chunk(CHUNK_SIZE);
  readonly #flights = new Int32Array(FLIGHT_COUNT);
  /** requestedAt of payment 0 of the present fill. */
  #beganAtMs = 0;
  #nowMs = Date.UTC(2026, 0, 1);
  #drawnCount = 0;

  /** `size` in payments: the ledger is full when it holds them. */
  constructor(size: number) {
    this.#size = size;
    this.engine = new Engine(Ways.open(new HealthSnapshot(TERMS.length), TERMS), {
      partition: 0,
      capacity: size,
      seed: 0x5eed,
      giveUpAfterMs: 3_600_000,
      settleWithinMs: 30_000,
      answerWithinMs: 2000,
      waitsForSlow: true,
    });
  }

  /** Empties the ledger, keeping its memory: what was touched stays touched. */
  purge(): void {
    this.engine.purge(this.#nowMs);
    this.engine.batch.clear();
  }

  /** Fills the empty ledger. */
  acceptAll(payments: BenchmarkPayments, heap: HeapWatch): Nanoseconds {
    let elapsedMs = 0;
    const nowMs = this.#nowMs;
    for (let first = 0; first < this.#size; first += CHUNK_SIZE) {
      const count = Math.min(CHUNK_SIZE, this.#size - first);
      for (let i = 0; i < count; i++) this.#chunk.put(i, payments, first + i);
      elapsedMs += heap.stretch(count, () => this.#acceptChunk(count, ACCEPTED_NEW, nowMs));
    }
    this.#expect("payments kept", this.engine.ledger.size, this.#size);
    return (elapsedMs * 1e6) / this.#size;
  }

  /** Repeats payments that are there, drawn at random. */
  acceptDuplicates(payments: BenchmarkPayments, count: number): Nanoseconds {
    let elapsedMs = 0;
    for (let done = 0; done < count; done += CHUNK_SIZE) {
      for (let i = 0; i < CHUNK_SIZE; i++) this.#chunk.put(i, payments, this.#draw());
      const startMs = performance.now();
      this.#acceptChunk(CHUNK_SIZE, DUPLICATE, this.#nowMs);
      elapsedMs += performance.now() - startMs;
    }
    this.#expect("payments kept", this.engine.ledger.size, this.#size);
    return (elapsedMs * 1e6) / (Math.ceil(count / CHUNK_SIZE) * CHUNK_SIZE);
  }

  /** Sends and settles every payment that is pending: all are charged at the default processor. */
  processAll(): Nanoseconds {
    const { engine } = this;
    this.#beganAtMs = this.#nowMs + 1;
    let begun = 0;
    const startMs = performance.now();
    while (begun < this.#size) {
      const nowMs = this.#beganAtMs + Math.floor(begun / PAYMENTS_PER_MS);
      const room = Math.min(FLIGHT_COUNT, PAYMENTS_PER_MS - (begun % PAYMENTS_PER_MS), this.#size - begun);
      let count = 0;
      while (count < room) {
        const flight = engine.dispatch(nowMs);
        if (flight === NO_FLIGHT) break;
        this.#flights[count++] = flight;
      }
      if (count === 0) throw new Error(`payments must be sent: begun=${begun} size=${this.#size}`);
      begun += count;
      for (let i = 0; i < count; i++) engine.settle(this.#flights[i]!, Outcome.CHARGED, nowMs);
      if (engine.batch.isHalfFull) engine.batch.clear();
    }
    const elapsedMs = performance.now() - startMs;
    engine.batch.clear();
    this.#nowMs = engine.nowMs;
    this.#expect("payments processed", engine.ledger.countIn(State.PROCESSED), this.#size);
    return (elapsedMs * 1e6) / this.#size;
  }

  /** Sums over windows whose ends are drawn at random, each of them timed by itself. */
  sumWindows(count: number): { mean: Nanoseconds; p99: Nanoseconds } {
    const { ledger } = this.engine;
    const spanMs = Math.ceil(this.#size / PAYMENTS_PER_MS);
    const centsBefore = this.#prefixSums(spanMs);
    const out = makeTotals(TERMS.length);
    const durations = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const ends = [this.#draw(spanMs), this.#draw(spanMs)];
      const [from, to] = [Math.min(...ends), Math.max(...ends)];
      const startMs = performance.now();
      ledger.sum(this.#beganAtMs + from, this.#beganAtMs + to, out);
      durations[i] = (performance.now() - startMs) * 1e6;
      const expectedCount = Math.min((to + 1) * PAYMENTS_PER_MS, this.#size) - from * PAYMENTS_PER_MS;
      this.#expect("payments in a window", out[0]!, expectedCount);
      this.#expect("cents in a window", out[1]!, centsBefore[to + 1]! - centsBefore[from]!);
    }
    const mean = durations.reduce((sum, duration) => sum + duration, 0) / count;
    return { mean, p99: new Samples(durations).at(99) };
  }

  lookUpByCorrelationId(payments: BenchmarkPayments, count: number): Nanoseconds {
    return this.#lookUp(count, (n, id) => payments.writeId(n, id, 0));
  }

  lookUpByPaymentId(count: number): Nanoseconds {
    return this.#lookUp(count, (n, id) => this.engine.paymentId(this.#slotOf(n), id));
  }

  #lookUp(count: number, writeId: (n: number, id: Int32Array) => void): Nanoseconds {
    const { engine } = this;
    const ids = Array.from({ length: CHUNK_SIZE }, () => new Int32Array(UUID_WORDS));
    const expected = new Int32Array(CHUNK_SIZE);
    let elapsedMs = 0;
    let wrongCount = 0;
    const rounds = Math.ceil(count / CHUNK_SIZE);
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < CHUNK_SIZE; i++) {
        const n = this.#draw();
        writeId(n, ids[i]!);
        expected[i] = this.#slotOf(n);
      }
      const startMs = performance.now();
      for (let i = 0; i < CHUNK_SIZE; i++) if (engine.lookup(ids[i]!) !== expected[i]) wrongCount++;
      elapsedMs += performance.now() - startMs;
    }
    this.#expect("payments not found, or others", wrongCount, 0);
    return (elapsedMs * 1e6) / (rounds * CHUNK_SIZE);
  }

  /**
   * Hot: nothing but the calls. The batch is cleared as after a turn's write. The time is an argument, as one object
   * for all calls: read from the field here, it would be made an object anew for each of them, and that would be the
   * benchmark's garbage, not the core's.
   */
  #acceptChunk(count: number, expected: number, nowMs: number): void {
    const { engine } = this;
    const { ids, cents } = this.#chunk;
    let wrongCount = 0;
    for (let i = 0; i < count; i++) {
      if (engine.accept(ids, i * UUID_WORDS, cents[i]!, nowMs) !== expected) wrongCount++;
    }
    engine.batch.clear();
    this.#expect("accepts that ended otherwise", wrongCount, 0);
  }

  /** 0 … below − 1: as good as random, and the same in every round. */
  #draw(below = this.#size): number {
    return Math.floor(((fmix32(this.#drawnCount++) >>> 0) / 2 ** 32) * below);
  }

  /** The ledger is full, so its tail is payment 0. */
  #slotOf(n: number): number {
    return this.engine.ledger.slotOf(this.engine.ledger.tail + n);
  }

  /** Cents of all payments before each millisecond. */
  #prefixSums(spanMs: number): Float64Array {
    const sums = new Float64Array(spanMs + 1);
    for (let n = 0; n < this.#size; n++) sums[Math.floor(n / PAYMENTS_PER_MS) + 1]! += centsOf(n);
    for (let ms = 1; ms <= spanMs; ms++) sums[ms]! += sums[ms - 1]!;
    return sums;
  }

  #expect(what: string, found: number, expected: number): void {
    if (found !== expected)
      throw new Error(`the benchmark must compute what it should: ${what}=${found} expected=${expected}`);
  }
}
