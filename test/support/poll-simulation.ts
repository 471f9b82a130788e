import type { ClaimAnswer, HealthLink } from "../../server/health/health-link.ts";
import { PeerConsent } from "../../server/health/peer-consent.ts";
import type { PollConsent } from "../../server/health/poll-consent.ts";
import { CLAIM_ANSWER_MS } from "../../server/health/poll-rights.ts";
import { Poller } from "../../server/health/poller.ts";
import { RegisterConsent } from "../../server/health/register-consent.ts";
import type { HealthAnswer } from "../../server/meters/poll-report.ts";
import type { Time, Timer } from "../../server/system/time.ts";
import type { Random } from "./random.ts";
import type { VirtualRegister } from "./virtual-register.ts";
import { VirtualTime } from "./virtual-time.ts";

/** As the health endpoint's. */
const POLL_TIMEOUT_MS = 11_000;

/** How the world behaves; every value is drawn anew for each message. */
export type Weather = {
  /** One way, between two instances, or to a register. */
  messageMs(random: Random): number;
  /** From an instance to the processor. */
  pollMs(random: Random): number;
  /** From a poll's arrival to its answer at the instance. */
  answerMs(random: Random): number;
  /** Chance that the processor refuses a poll, or that its answer says nothing. */
  uselessAnswers: number;
};

/**
 * Several instances that share one processor's health endpoint: real consents and pollers, everything around them
 * simulated. They agree among themselves, or by a register.
 */
export class PollSimulation {
  readonly time = new VirtualTime();
  readonly arrivalsMs: number[] = [];
  readonly nodes: readonly Node[];
  readonly random: Random;
  readonly weather: Weather;
  readonly register: VirtualRegister | undefined;

  constructor(
    random: Random,
    count: number,
    weather: Weather,
    newRegister?: (world: PollSimulation) => VirtualRegister,
  ) {
    this.random = random;
    this.weather = weather;
    this.register = newRegister?.(this);
    this.nodes = Array.from({ length: count }, (_, self) => new Node(this, self));
  }

  get smallestGapMs(): number {
    return this.gapsMs.reduce((least, gap) => Math.min(least, gap), Number.POSITIVE_INFINITY);
  }

  get gapsMs(): number[] {
    return this.arrivalsMs.slice(1).map((atMs, i) => atMs - this.arrivalsMs[i]!);
  }

  /** One call of the health endpoint: it arrives even if the caller does not live to see the answer. */
  async poll(): Promise<boolean> {
    const { weather, random } = this;
    await this.time.pause(weather.pollMs(random));
    this.arrivalsMs.push(this.time.nowMs);
    const answerMs = weather.answerMs(random);
    await this.time.pause(Math.min(answerMs, POLL_TIMEOUT_MS));
    return answerMs < POLL_TIMEOUT_MS && !random.chance(weather.uselessAnswers);
  }
}

/** One life of an instance, from a start to its crash. Time is its own: monotonic clocks begin anywhere. */
export class Life implements Time {
  consent!: PollConsent;
  /** How many polls it has heard of, other instances' and its own. */
  heardCount = 0;
  readonly #world: PollSimulation;
  readonly #startedAtMs: number;
  #isOver = false;
  /** Whatever reaches a stopped process waits, its timers as well. */
  #waiting: (() => void)[] | undefined;

  constructor(world: PollSimulation) {
    this.#world = world;
    this.#startedAtMs = world.time.nowMs - 1000;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get isStopped(): boolean {
    return this.#waiting !== undefined;
  }

  end(): void {
    this.#isOver = true;
    this.goOn();
  }

  stop(): void {
    this.#waiting ??= [];
  }

  goOn(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const step of waiting) step();
  }

  /** Resolves once the process is not stopped. */
  awake(): Promise<void> {
    return this.#waiting ? new Promise((resolve) => this.#waiting!.push(resolve)) : Promise.resolve();
  }

  wallMs(): number {
    return this.#world.time.wallMs();
  }

  monotonicMs(): number {
    return this.#world.time.nowMs - this.#startedAtMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const step = (): void => {
      if (this.#isOver) return;
      if (this.#waiting) this.#waiting.push(step);
      else run();
    };
    return this.#world.time.after(delayMs, step);
  }

  atEndOfTurn(run: () => void): void {
    this.after(0, run);
  }

  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }
}

/** An instance: the product's poller, with a processor and peers that are simulated. */
class Node {
  readonly #world: PollSimulation;
  readonly #self: number;
  #life: Life | undefined;

  constructor(world: PollSimulation, self: number) {
    this.#world = world;
    this.#self = self;
  }

  get isAlive(): boolean {
    return this.#life !== undefined;
  }

  get isStopped(): boolean {
    return this.#life?.isStopped ?? false;
  }

  get heardCount(): number {
    return this.#life?.heardCount ?? 0;
  }

  start(): void {
    if (this.#life) return;
    const life = new Life(this.#world);
    this.#life = life;
    life.consent = this.#world.register ? this.#agreeBy(this.#world.register, life) : this.#agreeWithPeers(life);
    new Poller({
      processor: 0,
      endpoint: { ask: () => this.#poll(life), close: () => {} },
      consent: life.consent,
      time: life,
      onPolled: () => {
        life.heardCount++;
      },
    });
  }

  #agreeBy(register: VirtualRegister, life: Life): RegisterConsent {
    const onHeard = () => {
      life.heardCount++;
    };
    return new RegisterConsent({ open: register.openFor(life), processorCount: 1, time: life, onHeard });
  }

  #agreeWithPeers(life: Life): PeerConsent {
    const peers = this.#world.nodes.filter((node) => node !== this);
    return new PeerConsent({
      self: this.#self,
      processorCount: 1,
      peers: peers.map((peer) => linkTo((what) => this.#ask(life, peer, what))),
      time: life,
      onHeard: () => {
        life.heardCount++;
      },
    });
  }

  crash(): void {
    this.#life?.end();
    this.#life = undefined;
  }

  /** SIGSTOP: it neither acts nor answers, but its sockets are there. */
  stop(): void {
    this.#life?.stop();
  }

  goOn(): void {
    this.#life?.goOn();
  }

  async #poll(life: Life): Promise<HealthAnswer> {
    const isUseful = await this.#world.poll();
    await life.awake();
    // Nobody is there any more to hear of it.
    if (life.isOver) await new Promise(() => {});
    return isUseful ? { status: 200, result: { failing: false, minResponseMs: 0 } } : { status: 0, error: "timed_out" };
  }

  /** A request to another instance and its answer; without one in time, silence. */
  async #ask(life: Life, peer: Node, what: (theirs: PeerConsent) => boolean): Promise<ClaimAnswer> {
    const { time, weather, random } = this.#world;
    const timeout = time.pause(CLAIM_ANSWER_MS).then((): ClaimAnswer => "silence");
    const answer = async (): Promise<ClaimAnswer> => {
      await time.pause(weather.messageMs(random));
      const theirs = peer.#life;
      if (!theirs) return "gone";
      await theirs.awake();
      // A connection to a process that dies is reset; only one that was never taken says that nobody is there.
      if (theirs.isOver) return "silence";
      const isConsent = what(theirs.consent as PeerConsent);
      await time.pause(weather.messageMs(random));
      return isConsent ? "consent" : "refusal";
    };
    const told = await Promise.race([answer(), timeout]);
    await life.awake();
    if (life.isOver) await new Promise(() => {});
    return told;
  }
}

function linkTo(ask: (what: (theirs: PeerConsent) => boolean) => Promise<ClaimAnswer>): HealthLink {
  const tell = (what: (theirs: PeerConsent) => void) =>
    ask((theirs) => {
      what(theirs);
      return true;
    });
  return {
    claim: (processor, self, isFresh) => ask((theirs) => theirs.claim(processor, self, isFresh)),
    release: async (processor, self) => void (await tell((theirs) => theirs.released(processor, self))),
    polled: async (...news) => void (await tell((theirs) => theirs.polled(...news))),
  };
}
