import { CLAIM_ANSWER_MS, PollRights } from "../../server/health/poll-rights.ts";
import type { Random } from "./random.ts";
import { VirtualTime } from "./virtual-time.ts";

/** As the poller's. */
const LOOK_INTERVAL_MS = 100;
const RETRY_MS = 200;
const SILENCE_MS_MAX = 30_000;
const POLL_TIMEOUT_MS = 11_000;

type Answer = "consent" | "refusal" | "gone" | "silence";

/** How the world behaves; every value is drawn anew for each message. */
export type Weather = {
  /** One way, between two instances. */
  messageMs(random: Random): number;
  /** From an instance to the processor. */
  pollMs(random: Random): number;
  /** From a poll's arrival to its answer at the instance. */
  answerMs(random: Random): number;
  /** Chance that the processor refuses a poll, or that its answer says nothing. */
  uselessAnswers: number;
};

/** Several instances that share one processor's health endpoint: real PollRights, everything around them simulated. */
export class PollSimulation {
  readonly time = new VirtualTime();
  readonly arrivalsMs: number[] = [];
  readonly nodes: readonly Node[];
  readonly random: Random;
  readonly weather: Weather;

  constructor(random: Random, count: number, weather: Weather) {
    this.random = random;
    this.weather = weather;
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
class Life {
  readonly rights: PollRights;
  readonly silentSinceMs: (number | undefined)[];
  readonly startedAtMs: number;
  isOver = false;

  constructor(self: number, count: number, startedAtMs: number) {
    this.startedAtMs = startedAtMs - 1000;
    this.rights = new PollRights(self, 1000);
    this.silentSinceMs = Array.from({ length: count }, () => undefined);
  }
}

/** An instance. What it does in `#look` and `#poll` is what server/health/poller.ts does, step by step. */
class Node {
  readonly #world: PollSimulation;
  readonly #self: number;
  #life: Life | undefined;
  #isStopped = false;
  /** Whatever reaches a stopped process waits in its sockets. */
  readonly #waiting: (() => void)[] = [];

  constructor(world: PollSimulation, self: number) {
    this.#world = world;
    this.#self = self;
  }

  get isAlive(): boolean {
    return this.#life !== undefined;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  start(): void {
    if (this.#life) return;
    const life = new Life(this.#self, this.#world.nodes.length, this.#world.time.nowMs);
    this.#life = life;
    void this.#run(life);
  }

  crash(): void {
    if (this.#life) this.#life.isOver = true;
    this.#life = undefined;
    this.goOn();
  }

  /** SIGSTOP: it neither acts nor answers, but its sockets are there. */
  stop(): void {
    this.#isStopped = this.isAlive;
  }

  goOn(): void {
    this.#isStopped = false;
    for (const step of this.#waiting.splice(0)) step();
  }

  async #run(life: Life): Promise<void> {
    while (!life.isOver) {
      await this.#world.time.pause(LOOK_INTERVAL_MS);
      await this.#awake();
      if (!life.isOver) await this.#look(life);
    }
  }

  async #look(life: Life): Promise<void> {
    const { rights } = life;
    const claimedAtMs = this.#nowMs(life);
    if (!rights.claim(claimedAtMs)) return;
    const isFresh = rights.isFresh(claimedAtMs);
    const peers = this.#world.nodes.filter((node) => node !== this);
    const answers = await Promise.all(
      peers.map((peer) => this.#ask(peer, (theirs) => theirs.rights.consent(this.#self, isFresh, this.#nowMs(theirs)))),
    );
    await this.#awake();
    if (life.isOver) return;
    const isAgreed = answers.every((answer, i) => this.#isNoObjection(life, i, answer));
    if (rights.mayPoll(claimedAtMs, this.#nowMs(life), isAgreed)) return this.#poll(life, peers);
    rights.abandon(this.#nowMs(life) + RETRY_MS);
    const consenters = peers.filter((_, i) => answers[i] === "consent" || answers[i] === "silence");
    await Promise.all(consenters.map((peer) => this.#tell(peer, (theirs) => theirs.rights.released(this.#self))));
  }

  #isNoObjection(life: Life, peer: number, answer: Answer): boolean {
    if (answer !== "silence") {
      life.silentSinceMs[peer] = undefined;
      return answer !== "refusal";
    }
    const sinceMs = life.silentSinceMs[peer] ?? this.#nowMs(life);
    life.silentSinceMs[peer] = sinceMs;
    return this.#nowMs(life) - sinceMs > SILENCE_MS_MAX;
  }

  async #poll(life: Life, peers: readonly Node[]): Promise<void> {
    const isUseful = await this.#world.poll();
    await this.#awake();
    if (life.isOver) return;
    life.rights.polled(this.#nowMs(life));
    if (!isUseful) return;
    await Promise.all(
      peers.map((peer) => this.#tell(peer, (theirs) => theirs.rights.otherPolled(this.#nowMs(theirs)))),
    );
  }

  #tell(peer: Node, what: (theirs: Life) => void): Promise<Answer> {
    return this.#ask(peer, (theirs) => {
      what(theirs);
      return true;
    });
  }

  /** A request to another instance and its answer; without one in time, silence. */
  async #ask(peer: Node, what: (theirs: Life) => boolean): Promise<Answer> {
    const { time, weather, random } = this.#world;
    const timeout = time.pause(CLAIM_ANSWER_MS).then((): Answer => "silence");
    const answer = async (): Promise<Answer> => {
      await time.pause(weather.messageMs(random));
      const theirs = peer.#life;
      if (!theirs) return "gone";
      await peer.#awake();
      // A connection to a process that dies is reset; only one that was never taken says that nobody is there.
      if (theirs.isOver) return "silence";
      const isConsent = what(theirs);
      await time.pause(weather.messageMs(random));
      return isConsent ? "consent" : "refusal";
    };
    return Promise.race([answer(), timeout]);
  }

  #awake(): Promise<void> {
    return this.#isStopped ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve();
  }

  #nowMs(life: Life): number {
    return this.#world.time.nowMs - life.startedAtMs;
  }
}
