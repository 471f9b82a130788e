import { type LookupAddress, type LookupOptions, promises } from "node:dns";
import { isIP, type LookupFunction } from "node:net";

/** Asks for the addresses of a name; may take for ever. Rejects when there are none. */
export type Resolve = (name: string) => Promise<readonly LookupAddress[]>;

export type NameLookupTimes = {
  /** For how long an answer is used, and a failure repeated, without asking again. */
  freshMs: number;
  /** For how long a new answer is waited for where an old one would do. */
  patienceMs: number;
  /** For how long an old answer is used while there is no new one. */
  staleMs: number;
  /** For how long a first answer is waited for. */
  waitMs: number;
};

/** Old answers are better than none; RFC 8767 has them used for a day. */
const TIMES: NameLookupTimes = { freshMs: 1000, patienceMs: 500, staleMs: 24 * 3600 * 1000, waitMs: 5000 };
/**
 * Threads that wait for resolvers. The process has four for all that blocks, unless told otherwise, and the journal is
 * written and synced on them as well. libuv runs no more than half of them for lookups; the rest would wait in its
 * queue, where nobody can see them.
 */
const IN_FLIGHT_MAX = 2;

type Waiter = (error: Error | undefined, addresses: readonly LookupAddress[]) => void;

const systemResolve: Resolve = (name) => promises.lookup(name, { all: true });

/**
 * Looks names up for sockets. Left to themselves they call getaddrinfo once for each connection, and each call holds a
 * thread until it answers, which a resolver out of reach may put off for half a minute: a few of those, and no other
 * name is looked up. There is one NameLookup per process; worker threads ask through it (name-lookup-port.ts).
 *
 * - A name is looked up once at a time, whoever asks: one that hangs holds one thread.
 * - What is known stays known: the last good addresses are used while new ones fail to come or come late.
 * - Whoever waits is answered in bounded time, if with an error.
 */
export class NameLookup {
  readonly #resolve: Resolve;
  readonly #times: NameLookupTimes;
  readonly #names = new Map<string, Name>();
  /** Names to be asked about when there is a thread again. */
  readonly #queue: Name[] = [];
  #inFlightCount = 0;

  constructor(resolve: Resolve = systemResolve, times: Partial<NameLookupTimes> = {}) {
    this.#resolve = resolve;
    this.#times = { ...TIMES, ...times };
  }

  /** The `lookup` of net.connect and of all that passes it on. Calls back exactly once, later. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    const literal = isIP(hostname);
    const answer: Waiter = (error, addresses) => callBack(hostname, options, callback, error, addresses);
    if (literal === 0) this.#ask(hostname, answer);
    else process.nextTick(answer, undefined, [{ address: hostname, family: literal }]);
  };

  /** Whoever waits gets an error. A lookup that is out goes on until the system gives it up: nothing can end it. */
  close(): void {
    this.#queue.length = 0;
    for (const name of this.#names.values()) name.settle(tooLate(name.text));
  }

  #ask(hostname: string, waiter: Waiter): void {
    const name = this.#nameOf(hostname.toLowerCase());
    const nowMs = performance.now();
    if (nowMs - name.endedAtMs >= this.#times.freshMs) this.#want(name, nowMs);
    const isKnown = this.#isKnown(name, nowMs);
    const waitMs = isKnown ? name.wantedAtMs + this.#times.patienceMs - nowMs : this.#times.waitMs;
    if (name.isWanted && waitMs > 0) this.#wait(name, waitMs, waiter);
    else process.nextTick(waiter, isKnown ? undefined : name.error, name.addresses);
  }

  #nameOf(text: string): Name {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    const name = new Name(text);
    this.#names.set(text, name);
    return name;
  }

  #isKnown({ knownAtMs }: Name, nowMs: number): boolean {
    return nowMs - knownAtMs < this.#times.staleMs;
  }

  #wait(name: Name, waitMs: number, waiter: Waiter): void {
    const timer = setTimeout(() => {
      name.waiters.delete(wait);
      const isKnown = this.#isKnown(name, performance.now());
      waiter(isKnown ? undefined : tooLate(name.text), name.addresses);
    }, waitMs);
    const wait = { timer, waiter };
    name.waiters.add(wait);
  }

  #want(name: Name, nowMs: number): void {
    if (name.isWanted) return;
    name.isWanted = true;
    name.wantedAtMs = nowMs;
    this.#queue.push(name);
    this.#begin();
  }

  #begin(): void {
    while (this.#inFlightCount < IN_FLIGHT_MAX && this.#queue.length > 0) {
      this.#inFlightCount++;
      void this.#run(this.#queue.shift()!);
    }
  }

  async #run(name: Name): Promise<void> {
    try {
      const addresses = await this.#resolve(name.text);
      if (addresses.length === 0) throw notFound(name.text);
      name.learn(addresses, performance.now());
    } catch (error) {
      name.error = error as Error;
    }
    this.#inFlightCount--;
    name.isWanted = false;
    name.endedAtMs = performance.now();
    name.settle(this.#isKnown(name, name.endedAtMs) ? undefined : name.error);
    this.#begin();
  }
}

/** What is known of a name, and who waits for more. Times in milliseconds of `performance.now()`. */
class Name {
  readonly text: string;
  readonly waiters = new Set<{ timer: NodeJS.Timeout; waiter: Waiter }>();
  addresses: readonly LookupAddress[] = [];
  knownAtMs = Number.NEGATIVE_INFINITY;
  /** What came of asking last, if that failed. */
  error: Error | undefined;
  /** It is being asked about, or in the queue for that, since `wantedAtMs`. */
  isWanted = false;
  wantedAtMs = 0;
  endedAtMs = Number.NEGATIVE_INFINITY;

  constructor(text: string) {
    this.text = text;
  }

  learn(addresses: readonly LookupAddress[], nowMs: number): void {
    this.addresses = addresses;
    this.knownAtMs = nowMs;
    this.error = undefined;
  }

  /** Answers all who wait: with the error, if given, else with the addresses. */
  settle(error: Error | undefined): void {
    for (const { timer, waiter } of this.waiters) {
      clearTimeout(timer);
      waiter(error, this.addresses);
    }
    this.waiters.clear();
  }
}

type Callback = Parameters<LookupFunction>[2];

function callBack(
  hostname: string,
  options: LookupOptions,
  callback: Callback,
  error: Error | undefined,
  all: readonly LookupAddress[],
): void {
  const addresses = all.filter(({ family }) => isWanted(family, options.family));
  const [first] = addresses;
  if (error !== undefined || first === undefined) callback(error ?? notFound(hostname), []);
  else if (options.all) callback(null, addresses);
  else callback(null, first.address, first.family);
}

function isWanted(family: number, wanted: LookupOptions["family"]): boolean {
  return wanted === undefined || wanted === 0 || wanted === family || wanted === `IPv${family}`;
}

function notFound(name: string): Error {
  return Object.assign(new Error(`name must have an address: name=${name}`), { code: "ENOTFOUND" });
}

function tooLate(name: string): Error {
  return Object.assign(new Error(`name must resolve in time: name=${name}`), { code: "ETIMEDOUT" });
}
