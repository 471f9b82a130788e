import fc from "fast-check";

const CHOSEN = process.env["TEST_SEED"];
/** Where the random tests begin. TEST_SEED=<number> repeats what a failure printed. */
const BASE_SEED = CHOSEN === undefined ? 20250715 : Number(CHOSEN);

/** Small deterministic generator (mulberry32, Tommy Ettinger, public domain). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** 32 random bits as an unsigned number. */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** 0 … n − 1 */
  below(n: number): number {
    return Math.floor((this.bits() / 2 ** 32) * n);
  }

  /** low … high */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.bits() < probability * 2 ** 32;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** The four words of a random UUIDv4. */
  uuid(): Int32Array {
    const words = Int32Array.of(this.bits(), this.bits(), this.bits(), this.bits());
    words[1] = (words[1]! & 0xffff0fff) | 0x4000;
    words[2] = (words[2]! & 0x3fffffff) | 0x80000000;
    return words;
  }
}

/** Runs the body for `count` seeds, or only for TEST_SEED; a failure names its seed. */
export function forSeeds(count: number, body: (random: Random) => void): void {
  for (let seed = BASE_SEED; seed < BASE_SEED + (CHOSEN === undefined ? count : 1); seed++) {
    try {
      body(new Random(seed));
    } catch (error) {
      throw new Error(`TEST_SEED=${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }
}

/**
 * Checks the predicate, which throws when it does not hold, for random values; a failure prints seed and
 * counterexample.
 */
export function forAll<T>(values: fc.Arbitrary<T>, predicate: (value: T) => void, numRuns = 500): void {
  const property = fc.property(values, (value) => {
    predicate(value);
  });
  fc.assert(property, { seed: BASE_SEED, numRuns });
}
