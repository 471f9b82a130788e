import pino from "pino";
import type { Engine } from "../../../core/engine.ts";
import { Custody } from "../../../server/partition/custody.ts";
import type { Bulletin, Neighbours, Standing } from "../../../server/partition/neighbours.ts";
import type { LedgerAhead, Partition } from "../../../server/partition/partition.ts";
import { ReadingAlong } from "../../../server/partition/reading-along.ts";
import { EvenSharing, FixedSharing } from "../../../server/partition/sharing.ts";
import type { Claim, Store } from "../../../server/store/store.ts";
import type { Time, Timer } from "../../../server/system/time.ts";
import { FencedError } from "../../../server/turn/record-log.ts";
import { Random } from "../../support/random.ts";
import type { VirtualTime } from "../../support/virtual-time.ts";

/** So long bulletins are under way. */
const HOP_MS = 1;
const HEARTBEAT_MS = 200;
const SILENT_MS = 1000;
/** So long a lock is asked for: who asks meanwhile spoils it for both. */
const ASKING_MS = 2;
const REPLAY_MS = 20;
/** So often a claim looks whether another's right has lapsed. */
const LAPSE_LOOK_MS = 50;

type Life = "running" | "stopped" | "gone";

/** Clocks of an instance: nothing happens in one that is stopped until it goes on, and never in one that is gone. */
class InstanceTime implements Time {
  readonly #time: VirtualTime;
  readonly #life: () => Life;
  readonly #held: (() => void)[] = [];

  constructor(time: VirtualTime, life: () => Life) {
    this.#time = time;
    this.#life = life;
  }

  wallMs(): number {
    return this.#time.wallMs();
  }

  monotonicMs(): number {
    return this.#time.monotonicMs();
  }

  after(delayMs: number, run: () => void): Timer {
    let isCancelled = false;
    const timer = this.#time.after(Math.max(0, delayMs), () => {
      this.run(() => {
        if (!isCancelled) run();
      });
    });
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  /** Now, or when the instance goes on. */
  run(event: () => void): void {
    if (this.#life() === "running") event();
    else if (this.#life() === "stopped") this.#held.push(event);
  }

  goOn(): void {
    for (const event of this.#held.splice(0)) event();
  }

  atEndOfTurn(run: () => void): void {
    this.after(0, run);
  }

  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve);
    });
  }
}

/** An instance of a cluster, from its start to its end. */
export class Instance implements Neighbours {
  readonly number: number;
  readonly time: InstanceTime;
  readonly custody: Custody;
  /** What its start came to. */
  readonly started: Promise<string>;
  /** Why no partition fits in its memory. */
  refusal: string | undefined;
  /** What it does when it is asked to read along. */
  canFollow = true;
  life: Life = "running";
  /** Since when it has not been running, if so. */
  awaySinceMs: number | undefined;
  /** How long each step of leaving a partition takes. */
  stepMs = 1;
  /** Partitions whose right has lapsed while it was stopped. */
  readonly lapsed: number[] = [];
  /** What became of its partitions, in order: "carries 1", "prepares 1", "drains 1", "abandons 1", "leaves 1". */
  readonly events: string[] = [];
  readonly #cluster: Cluster;
  readonly #heard = new Map<number, { bulletin: Bulletin; atMs: number }>();
  readonly #standings = new Map<number, Standing>();
  readonly #starting = new AbortController();
  #listener: () => void = () => {};
  #bulletin: () => Bulletin = () => {
    throw new Error("a bulletin is published first");
  };

  constructor(cluster: Cluster, number: number, seed: number) {
    this.#cluster = cluster;
    this.number = number;
    this.time = new InstanceTime(cluster.time, () => this.life);
    const random = new Random(seed);
    const store = cluster.storeOf(this);
    const logger = pino({ level: "silent" });
    const refusalOfSize = (): string | undefined => this.refusal;
    const newEngine = (): Engine => ({ ledger: {} }) as unknown as Engine;
    this.custody = new Custody({
      self: number,
      sharing:
        cluster.lapseMs > 0 ? new EvenSharing(cluster.partitionCount, number) : new FixedSharing(cluster.instanceCount),
      store,
      neighbours: this,
      time: this.time,
      logger,
      random: () => random.below(1000) / 1000,
      refusalOfSize,
      open: (claim, reading, signal) => this.#open(claim, reading, signal),
      readingAlong: new ReadingAlong({ store, time: this.time, logger, refusalOfSize, newEngine }),
    });
    this.time.after(HOP_MS, () => this.#beat());
    this.started = this.custody.start(this.#starting.signal).then(
      () => "started",
      (error: Error) => error.message,
    );
  }

  /** From 0. */
  get carried(): number[] {
    return this.custody.carried().map((partition) => partition.number);
  }

  get others(): number[] {
    return this.#cluster.roster().filter((other) => other !== this.number);
  }

  standing(instance: number): Standing {
    if (instance === this.number) throw new Error("an instance is none of its own neighbours");
    return this.#standings.get(instance) ?? "unknown";
  }

  bulletin(instance: number): Bulletin | undefined {
    return this.#heard.get(instance)?.bulletin;
  }

  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  publish(bulletin: () => Bulletin): void {
    this.#bulletin = bulletin;
  }

  tell(): void {
    for (const other of this.#cluster.others(this)) this.#tellOne(other);
  }

  async askToFollow(instance: number, partition: number): Promise<boolean> {
    await this.time.pause(2 * HOP_MS);
    const other = this.#cluster.at(instance);
    return other?.life === "running" && other.canFollow && other.custody.follow(partition);
  }

  /** SIGKILL, or the end of the process. */
  end(): void {
    this.life = "gone";
    this.awaySinceMs ??= this.#cluster.time.nowMs;
    this.#cluster.forget(this);
  }

  /** SIGTERM; resolves when the process has ended. */
  async leave(): Promise<void> {
    await this.custody.leave(1000);
    this.end();
  }

  stop(): void {
    this.life = "stopped";
    this.awaySinceMs = this.#cluster.time.nowMs;
  }

  goOn(): void {
    this.life = "running";
    this.awaySinceMs = undefined;
    this.time.goOn();
    for (const partition of this.lapsed.splice(0)) this.custody.lost(partition);
  }

  giveUpStart(): void {
    this.#starting.abort(new Error("given up"));
  }

  /** Its connections to `instance` are refused. */
  lost(instance: number): void {
    this.time.after(HOP_MS, () => {
      if (this.#cluster.at(instance)?.life !== undefined) return;
      this.#heard.delete(instance);
      this.#become(instance, "down");
    });
  }

  #tellOne(other: Instance): void {
    const bulletin = this.#bulletin();
    this.#cluster.time.after(HOP_MS, () => other.time.run(() => other.#hear(this, bulletin)));
  }

  #hear({ number, life }: Instance, bulletin: Bulletin): void {
    if (life === "gone") return;
    const last = this.#heard.get(number);
    this.#heard.set(number, { bulletin, atMs: this.time.monotonicMs() });
    const isNews = last === undefined || contentOf(last.bulletin) !== contentOf(bulletin);
    if (isNews || this.standing(number) !== "up") this.#become(number, "up");
  }

  #become(instance: number, standing: Standing): void {
    this.#standings.set(instance, standing);
    this.#listener();
  }

  #beat(): void {
    this.tell();
    const nowMs = this.time.monotonicMs();
    for (const other of this.others) {
      const heard = this.#heard.get(other);
      if (this.#cluster.at(other) === undefined) this.lost(other);
      else if (heard && nowMs - heard.atMs > SILENT_MS && this.standing(other) === "up") this.#become(other, "silent");
      else if (!heard && this.#cluster.at(other)!.life === "stopped") this.#become(other, "silent");
    }
    this.time.after(HEARTBEAT_MS, () => this.#beat());
  }

  async #open(claim: Claim, reading: LedgerAhead | undefined, signal: AbortSignal): Promise<Partition> {
    const { partition: number } = claim;
    await this.time.pause(reading ? 0 : REPLAY_MS);
    const problem = this.#cluster.problems.get(number);
    if (problem !== undefined || signal.aborted) {
      await claim.release();
      if (signal.reason instanceof FencedError) throw signal.reason;
      throw new Error(problem ?? "given up");
    }
    const note = (what: string) => this.events.push(`${what} ${number}${reading && what === "carries" ? " on" : ""}`);
    const pause = (what: string) => async (): Promise<void> => {
      note(what);
      await this.time.pause(this.stepMs);
    };
    const partition = {
      number,
      epoch: this.#cluster.nextEpoch(number),
      sinceMs: this.time.wallMs(),
      books: { engine: { ledger: { size: 0 } } },
      begin: () => note("carries"),
      prepareToLeave: pause("prepares"),
      drain: pause("drains"),
      abandon: () => note("abandons"),
      leave: async () => {
        await pause("leaves")();
        await claim.release();
      },
    };
    return partition as unknown as Partition;
  }
}

function contentOf({ life, isLeaving, carries }: Bulletin): string {
  return JSON.stringify({ life, isLeaving, carries });
}

/** Instances over one store, whose locks are in memory. */
export class Cluster {
  readonly time: VirtualTime;
  readonly instanceCount: number;
  readonly partitionCount: number;
  canMove = true;
  /** How long a right outlives its instance; 0: it ends with it, and the instances are always the same. */
  lapseMs = 0;
  /** Claims that waited for a right to lapse, by instance and partition: "2 waits for 1". */
  readonly waits: string[] = [];
  /** Why a partition cannot be opened. */
  readonly problems = new Map<number, string>();
  /** Who has the right to a partition: an instance, or a process that nobody knows. */
  readonly locks = new Map<number, Instance | "a stranger">();
  readonly #asking = new Map<number, number>();
  readonly #instances = new Map<number, Instance>();
  readonly #gone = new Map<number, Instance>();
  readonly #epochs = new Map<number, number>();
  #seed: number;

  constructor(time: VirtualTime, instanceCount: number, partitionCount: number, seed = 1) {
    this.time = time;
    this.instanceCount = instanceCount;
    this.partitionCount = partitionCount;
    this.#seed = seed;
  }

  start(number: number): Instance {
    const instance = new Instance(this, number, this.#seed++);
    this.#instances.set(number, instance);
    return instance;
  }

  /** Starts all at once. */
  startAll(): Instance[] {
    return Array.from({ length: this.instanceCount }, (_, number) => this.start(number));
  }

  at(number: number): Instance | undefined {
    return this.#instances.get(number);
  }

  others(instance: Instance): Instance[] {
    return [...this.#instances.values()].filter((other) => other !== instance);
  }

  /** Numbers of those that are known: all, or where rights lapse those that run, or did so until lately. */
  roster(): number[] {
    if (this.lapseMs === 0) return Array.from({ length: this.instanceCount }, (_, number) => number);
    const late = [...this.#gone.values()].filter((instance) => !this.#hasLapsed(instance));
    return [...new Set([...this.#instances.values(), ...late].map(({ number }) => number))];
  }

  /** What each instance carries now, by number; those that are gone are left out. */
  carried(): Record<number, number[]> {
    return Object.fromEntries([...this.#instances].map(([number, instance]) => [number, instance.carried]));
  }

  pass(ms: number): Promise<void> {
    return this.time.passUntil(this.time.nowMs + ms);
  }

  nextEpoch(partition: number): number {
    const epoch = (this.#epochs.get(partition) ?? 0) + 1;
    this.#epochs.set(partition, epoch);
    return epoch;
  }

  forget(instance: Instance): void {
    if (this.#instances.get(instance.number) === instance) this.#instances.delete(instance.number);
    this.#gone.set(instance.number, instance);
    for (const [partition, owner] of this.locks)
      if (owner === instance && this.lapseMs === 0) this.locks.delete(partition);
    for (const other of this.#instances.values()) other.lost(instance.number);
  }

  storeOf(instance: Instance): Store {
    const size = { capacity: 100, paymentsExpected: 100 };
    return {
      partitionCount: this.partitionCount,
      canMove: this.canMove,
      lapseMs: this.lapseMs,
      holdsRights: true,
      sizeOf: async () => size,
      follow: () => ({ catchUp: async () => 0, close: () => {} }),
      claim: async (partition, signal) => {
        await this.#untilLapsed(partition, instance, signal);
        if (!(await this.#lock(partition, instance))) return undefined;
        const release = async (): Promise<void> => {
          if (this.locks.get(partition) === instance) this.locks.delete(partition);
        };
        const open = () => Promise.reject(new Error("a claim is opened by the instance"));
        return { partition, ...size, open, release };
      },
    };
  }

  /** Until whoever has the right to a partition has lost it, as far as that is to be expected. */
  async #untilLapsed(partition: number, instance: Instance, signal: AbortSignal | undefined): Promise<void> {
    const owner = this.locks.get(partition);
    if (owner === undefined || owner === "a stranger" || owner.awaySinceMs === undefined || this.lapseMs === 0) return;
    this.waits.push(`${instance.number} waits for ${partition}`);
    while (this.locks.get(partition) === owner && !signal?.aborted && owner.awaySinceMs !== undefined) {
      if (this.#hasLapsed(owner)) {
        this.locks.delete(partition);
        owner.lapsed.push(partition);
      } else await instance.time.pause(LAPSE_LOOK_MS);
    }
  }

  #hasLapsed({ awaySinceMs }: Instance): boolean {
    return awaySinceMs !== undefined && this.time.nowMs - awaySinceMs >= this.lapseMs;
  }

  /** Of two that ask at once none gets it. */
  async #lock(partition: number, instance: Instance): Promise<boolean> {
    const asking = (this.#asking.get(partition) ?? 0) + 1;
    this.#asking.set(partition, asking);
    await this.time.pause(ASKING_MS);
    const isAlone = asking === 1 && this.#asking.get(partition) === 1;
    this.#asking.set(partition, this.#asking.get(partition)! - 1);
    if (!isAlone || this.locks.has(partition) || instance.life === "gone") return false;
    this.locks.set(partition, instance);
    return true;
  }
}
