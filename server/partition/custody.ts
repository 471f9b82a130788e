import type { Logger } from "pino";
import type { Store, StoreStanding } from "../store/store.ts";
import type { Time, Timer } from "../system/time.ts";
import { Carriers, type Elsewhere } from "./carriers.ts";
import { Changes, LOOK_MS } from "./changes.ts";
import { ClaimPace } from "./claim-pace.ts";
import { type AdoptionParts, Claims } from "./claims.ts";
import { Departures } from "./departures.ts";
import { HandOverPace } from "./hand-over-pace.ts";
import { Holds } from "./holds.ts";
import { Life } from "./life.ts";
import type { Carriage, Neighbours } from "./neighbours.ts";
import type { Partition } from "./partition.ts";
import type { Sharing } from "./sharing.ts";
import { Start } from "./start.ts";
import { StoppedWatch } from "./stopped-watch.ts";
import { Succession } from "./succession.ts";

export type CustodyParts = AdoptionParts & {
  /** This instance, from 0. */
  self: number;
  sharing: Sharing;
  store: Store;
  neighbours: Neighbours;
  time: Time;
  logger: Logger;
  /** From 0 to below 1. */
  random: () => number;
};

export type Place = Partition | Elsewhere;

/**
 * Which partitions this instance carries, and what becomes of those that nobody does: see Hold. After every change, and
 * several times a second, it looks at each of them: what is carried may have to leave (Departures), anything else may
 * have to come (Claims).
 *
 * The right itself is the store's to give, so two instances that are wrong about each other never both carry. A store
 * whose rights lapse can take one away: then the partition is `lost` at once, in whatever state it is, and away again.
 */
export class Custody {
  readonly carriers: Carriers;
  readonly stoppedWatch: StoppedWatch;
  readonly #parts: CustodyParts;
  readonly #life: Life;
  readonly #holds: Holds;
  readonly #changes: Changes;
  readonly #succession: Succession;
  readonly #start: Start;
  readonly #claims: Claims;
  readonly #departures: Departures;
  /** Claims and hand-overs under way. */
  readonly #moves = new Set<Promise<unknown>>();
  #timer: Timer | undefined;

  constructor(parts: CustodyParts) {
    const { self, store, neighbours, time, random } = parts;
    const { partitionCount: count } = store;
    const life = new Life(self, time, random);
    const holds = new Holds(count);
    const changes = new Changes(time);
    const carriers = new Carriers(count, neighbours);
    const succession = new Succession({ ...parts, life, holds, carriers });
    const claimPace = new ClaimPace(count, random, store.lapseMs);
    const handOverPace = new HandOverPace(count);
    const announce = (): void => this.#announce();
    const own = { ...parts, life, holds, changes, carriers, succession, claimPace, handOverPace, announce };
    this.#parts = parts;
    this.#life = life;
    this.#holds = holds;
    this.#changes = changes;
    this.carriers = carriers;
    this.stoppedWatch = new StoppedWatch(time);
    this.#succession = succession;
    this.#claims = new Claims(own);
    this.#departures = new Departures(own);
    this.#start = new Start({ ...own, claims: this.#claims });
    // What this instance may have lost without knowing it yet, others are free to claim.
    neighbours.publish(() => life.bulletin(store.holdsRights ? holds.carriages() : []));
    neighbours.onChange(() => this.#changed());
  }

  get partitionCount(): number {
    return this.#holds.count;
  }

  /** The partition, if it is carried here. Hot. */
  at(partition: number): Partition | undefined {
    return this.#holds.at(partition);
  }

  /** Those carried here, in their order. */
  carried(): Partition[] {
    return this.#holds.carried();
  }

  get isLeaving(): boolean {
    return this.#life.isLeaving;
  }

  /** Partitions taken over from others, and handed over to them, in this life. */
  get takeOverCount(): number {
    return this.#claims.takeOverCount;
  }

  get handOverCount(): number {
    return this.#departures.handOverCount;
  }

  /** See Store. */
  get standing(): StoreStanding | undefined {
    return this.#parts.store.standing;
  }

  /** Why a partition is not carried here, if that was tried last. */
  problemOf(partition: number): string | undefined {
    return this.#claims.problemOf(partition);
  }

  /** This instance ends, and nobody is there to take what it leaves. */
  get isEnding(): boolean {
    return this.isLeaving && !this.#succession.isAnyUp;
  }

  place(partition: number): Place {
    return this.at(partition) ?? this.carriers.place(partition);
  }

  /** What this instance says of the partitions that it has. */
  carriages(): Carriage[] {
    return this.#holds.carriages();
  }

  /**
   * Whether these are the numbers of all partitions' carriers now, as far as that has to be asked; false where nobody
   * answers within `timeoutMs`.
   */
  areCurrent(epochs: readonly number[], timeoutMs: number): Promise<boolean> {
    const { store, time } = this.#parts;
    if (store.areCurrent === undefined) return Promise.resolve(true);
    const answer = store.areCurrent(epochs);
    return new Promise((resolve) => {
      const timer = time.after(timeoutMs, () => resolve(false));
      void answer.then((areCurrent) => {
        timer.cancel();
        resolve(areCurrent);
      });
    });
  }

  /** Resolves when something has changed, or after `timeoutMs`. */
  changed(timeoutMs: number): Promise<void> {
    return this.#changes.next(timeoutMs);
  }

  /**
   * Resolves when every partition that prefers this instance is carried, here or elsewhere. Rejects when one that is to
   * be carried here cannot be, or `signal` is aborted. Where rights lapse it does not wait for long, and
   * whatever is not carried by then is claimed later.
   */
  async start(signal: AbortSignal): Promise<void> {
    const { time, store } = this.#parts;
    const rightsLapse = store.lapseMs > 0;
    if (rightsLapse) await this.#start.gather();
    await this.#start.knowOthers(signal);
    this.carriers.look();
    this.#succession.share();
    if (!rightsLapse) await this.#start.claimPreferred(signal);
    this.stoppedWatch.begin();
    this.#timer = time.after(LOOK_MS, this.#tick);
    this.#changed();
    if (rightsLapse) await this.#start.untilPreferredAreCarried(signal);
    this.#life.serve();
  }

  /** Another instance is about to leave us a partition: true once we read along with it. */
  async follow(partition: number): Promise<boolean> {
    if (this.isLeaving || this.#holds.stateOf(partition) !== "away") return false;
    return this.#parts.readingAlong.begin(partition);
  }

  /**
   * The right to carry the partition is gone, or may be: nobody is asked it any more here, and nothing of it is sent or
   * written. It is claimed again in turn, like any other.
   */
  lost(partition: number): void {
    const end = this.#departures.lost(partition);
    if (end !== undefined) this.#move(end);
  }

  /**
   * Hands everything over to those who stay, and closes what nobody takes, waiting for answers up to `graceMs`.
   */
  async leave(graceMs: number): Promise<void> {
    this.#takeNoMore();
    this.#parts.neighbours.tell();
    this.#succession.share();
    const bequeath = (partition: Partition) => this.#departures.bequeath(partition, graceMs);
    await Promise.all([...this.#moves, ...this.carried().map(bequeath)]);
    await this.#departures.untilCarriedByOthers();
    // Until here: an instance that leaves slowly is not one that was stopped, and serves what it still has.
    this.#timer?.cancel();
  }

  /** Ends a start that is given up: nothing was accepted or sent. */
  async close(): Promise<void> {
    this.#takeNoMore();
    this.#timer?.cancel();
    await Promise.all([...this.#moves, ...this.carried().map((partition) => this.#departures.let(partition))]);
  }

  #takeNoMore(): void {
    this.#life.leave();
    this.#claims.end();
    this.#parts.readingAlong.close();
  }

  /** What it ends in is seen elsewhere. */
  #move(move: Promise<unknown>): void {
    const known = move.catch(() => {}).finally(() => this.#moves.delete(known));
    this.#moves.add(known);
  }

  readonly #tick = (): void => {
    this.stoppedWatch.tick();
    this.#timer = this.#parts.time.after(LOOK_MS, this.#tick);
    this.#look();
  };

  #changed(): void {
    this.carriers.look();
    this.#changes.note();
    if (this.#timer) this.#look();
  }

  #look(): void {
    if (this.isLeaving) return;
    this.#succession.look();
    this.#succession.share();
    const nowMs = this.#parts.time.monotonicMs();
    for (let number = 0; number < this.#holds.count; number++) {
      const carried = this.at(number);
      const move = carried ? this.#departures.considerHandBack(carried, nowMs) : this.#claims.consider(number, nowMs);
      if (move !== undefined) this.#move(move);
    }
  }

  #announce(): void {
    this.#parts.neighbours.tell();
    this.#changed();
  }
}
