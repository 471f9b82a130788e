import type { Logger } from "pino";
import type { Time, Timer } from "../system/time.ts";
import type { Census, Database, Member } from "./database.ts";
import { Lapses } from "./lapses.ts";
import { DRIFT_MS, LEASE_MS, RENEW_AGAIN_MS, RENEW_MS } from "./lease-terms.ts";

/** Between looks at a member whose lease may lapse. */
const LOOK_MS = 100;

export type MembershipParts = {
  database: Database;
  time: Time;
  logger: Logger;
  /** This instance's number, from 0, and where its link is. */
  number: number;
  address: string;
  /** A random name, another one each time. */
  randomName: () => string;
};

export type MembershipEvents = {
  /** After each renewal, that was sent at `sentAtMs` (monotonic). */
  onCensus(census: Census, sentAtMs: number): void;
  /** Others may have whatever this life had. A new life begins by itself. */
  onExpelled(): void;
};

/**
 * This instance's place among the members: a life with a lease that is renewed every second.
 *
 *   join ──► member ──► renewed ──► renewed ──► leave
 *                          │  the others have seen no renewal for a lease, and one has ended it
 *                          └────────────────────────► expelled ──► join, as another life
 *
 * A lease that has lapsed and that nobody has ended is simply renewed.
 */
export class Membership {
  readonly #parts: MembershipParts;
  readonly #lapses: Lapses;
  #events: MembershipEvents = { onCensus: () => {}, onExpelled: () => {} };
  #life = "";
  #census: Census = { members: [], owners: [], standbys: { isAskedFor: false, syncCount: 0 } };
  #validUntilMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #renewing: Promise<void> = Promise.resolve();
  #isFailing = false;
  #isClosed = false;

  constructor(parts: MembershipParts) {
    this.#parts = parts;
    this.#lapses = new Lapses(parts.time);
  }

  /** The name of this life; another one after an expulsion. */
  get life(): string {
    return this.#life;
  }

  /** Whether nobody else can have what this life has. Hot: one clock reading. */
  get isValid(): boolean {
    return this.#parts.time.monotonicMs() < this.#validUntilMs;
  }

  get census(): Census {
    return this.#census;
  }

  /** To be called before `join`. There is one listener. */
  listen(events: MembershipEvents): void {
    this.#events = events;
  }

  /**
   * Takes the place of this instance's number, once a former life's lease has lapsed, and begins to renew. Rejects
   * where another process has that number and lives, where the database cannot be reached, or `signal` is aborted.
   */
  async join(signal: AbortSignal): Promise<void> {
    await this.#takePlace(signal);
    await this.#renew();
    if (this.#life === "" || !this.isValid) throw new Error("a lease must be renewed at the start: renewed=false");
  }

  /** Who has the partition, if that one is a member. */
  ownerOf(partition: number): Member | undefined {
    const owner = this.#census.owners[partition];
    return owner && this.#census.members.find(({ life }) => life === owner.life);
  }

  /**
   * Resolves with true once the life is gone: it left, or its lease has lapsed and was ended; with false when it has
   * renewed meanwhile, or `signal` is aborted, or nobody can be asked.
   */
  async untilGone(life: string, signal: AbortSignal): Promise<boolean> {
    const { database, time } = this.#parts;
    const renewal = this.#lapses.renewalOf(life);
    for (;;) {
      if (signal.aborted || this.#isClosed) return false;
      const current = this.#lapses.renewalOf(life);
      if (current === undefined || renewal === undefined) return current === undefined;
      if (current !== renewal) return false;
      const inMs = this.#lapses.lapsesInMs(life);
      if (inMs <= 0) break;
      await time.pause(Math.min(inMs, LOOK_MS));
    }
    const isGone = await database.expel(life, renewal).catch(() => false);
    if (isGone) this.#lapses.forget(life);
    return isGone;
  }

  /** Leaves; what the life still has is anybody's. */
  async leave(): Promise<void> {
    this.close();
    await this.#renewing;
    this.#validUntilMs = Number.NEGATIVE_INFINITY;
    const life = this.#life;
    this.#life = "";
    if (life === "") return;
    await this.#parts.database.leave(life).catch((error: Error) => {
      this.#parts.logger.warn({ err: error }, "the others learn only by the lease that this instance has left");
    });
  }

  /** Renews no more: the lease lapses. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  async #takePlace(signal: AbortSignal): Promise<void> {
    const { database, time, number, address, randomName } = this.#parts;
    const life = randomName();
    let former: Member | undefined;
    let sinceMs = 0;
    for (;;) {
      signal.throwIfAborted();
      const answer = await database.join({ number, life, address, renewal: randomName() });
      if (answer === "joined") {
        this.#life = life;
        return;
      }
      // Its first answer is what counts: a process that lives renews within a second.
      if (answer.life !== former?.life) [former, sinceMs] = [answer, time.monotonicMs()];
      if (answer.renewal !== former.renewal) throw takenPlace(number, answer);
      if (time.monotonicMs() - sinceMs >= LEASE_MS) await database.expel(former.life, former.renewal);
      else await time.pause(LOOK_MS);
    }
  }

  async #renew(): Promise<void> {
    const beganAtMs = this.#parts.time.monotonicMs();
    this.#renewing = this.#renewOnce();
    await this.#renewing;
    if (this.#isClosed) return;
    const restMs = beganAtMs + (this.#isFailing ? RENEW_AGAIN_MS : RENEW_MS) - this.#parts.time.monotonicMs();
    this.#timer = this.#parts.time.after(Math.max(0, restMs), () => void this.#renew());
  }

  async #renewOnce(): Promise<void> {
    const { database, time, logger, randomName } = this.#parts;
    const sentAtMs = time.monotonicMs();
    try {
      const answer = await database.renew(this.#life, randomName());
      if (this.#isFailing) logger.warn("the lease is renewed again");
      this.#isFailing = false;
      if (answer === "expelled") await this.#beginAnew();
      else this.#note(answer, sentAtMs);
    } catch (error) {
      if (!this.#isFailing && !this.#isClosed) logger.error({ err: error }, "the lease cannot be renewed");
      this.#isFailing = true;
    }
  }

  #note(census: Census, sentAtMs: number): void {
    this.#validUntilMs = Math.max(this.#validUntilMs, sentAtMs + LEASE_MS - DRIFT_MS);
    this.#census = census;
    this.#lapses.note(census.members);
    this.#events.onCensus(census, sentAtMs);
  }

  async #beginAnew(): Promise<void> {
    if (this.#isClosed) return;
    this.#parts.logger.error("the lease has lapsed, and others may carry what this instance did: it joins anew");
    this.#validUntilMs = Number.NEGATIVE_INFINITY;
    this.#events.onExpelled();
    const sentAtMs = this.#parts.time.monotonicMs();
    await this.#takePlace(new AbortController().signal);
    const answer = await this.#parts.database.renew(this.#life, this.#parts.randomName());
    if (answer !== "expelled") this.#note(answer, sentAtMs);
  }
}

function takenPlace(number: number, { address }: Member): Error {
  return new Error(`an instance's number is one process's: INSTANCE=${number + 1} taken by=${address}`);
}
