import type { Random } from "../support/random.ts";
import { DatabaseCall } from "./database-call.ts";
import { type Caller, DatabaseClient } from "./database-client.ts";
import { DatabaseServer, type Ended } from "./database-server.ts";
import type { Statement } from "./database-statements.ts";
import { DatabaseTables } from "./database-tables.ts";
import type { LogWatch } from "./log-watch.ts";

const LATENCY_MS_MAX = 2;
/** A request on its way may arrive so much later than its client has given up. */
const LATE_MS_MAX = 8000;

/** What may happen to each call: a chance for each. */
export type DatabaseWeather = {
  /** It does not arrive; the client may know that, or not. */
  lostRequest: number;
  /** The client learns that its connection is gone; what it asked for is done all the same, perhaps seconds later. */
  lateRequest: number;
  /** Done, and nobody is told. */
  lostReply: number;
  /** Done, and told perhaps seconds later. */
  lateReply: number;
  /** An error of the server: nothing is done. */
  failed: number;
  /** The same of appends only: their table has no room, or no place for them. */
  failedAppends: number;
  /** The wait for the standby is cancelled. */
  cancelled: number;
  /** Messages take so much longer at most, in milliseconds. */
  delayMsMax: number;
};

export const CALM: DatabaseWeather = {
  lostRequest: 0,
  lateRequest: 0,
  lostReply: 0,
  lateReply: 0,
  failed: 0,
  failedAppends: 0,
  cancelled: 0,
  delayMsMax: 0,
};

/** How a client finds the database: it refuses connections, or says nothing. */
export type Reach = "there" | "refuses" | "hangs";

export type VirtualDatabaseParts = {
  partitionCount: number;
  random: Random;
  /** Its clock. */
  wallMs: () => number;
  after: (delayMs: number, run: () => void) => void;
  /** After so long a client gives up, in milliseconds. */
  callTimeoutMs: number;
  /** Without: a failover loses what was acknowledged and was not at the standby yet. */
  isSynchronous?: boolean;
  watch?: LogWatch;
};

/**
 * A database as its clients meet it, in virtual time: a primary and its standby, connections that take their time,
 * break, or hang, and a failover. A client that is cut off leaves behind what it has asked for: that is still done,
 * later, or never.
 */
export class VirtualDatabase {
  weather: DatabaseWeather = CALM;
  /** By instance: what happens to its calls in place of that. */
  readonly weatherOf = new Map<number, DatabaseWeather>();
  /** Statements, by name. */
  readonly committedCounts = new Map<string, number>();
  readonly #parts: VirtualDatabaseParts;
  readonly #calls = new Set<DatabaseCall<unknown>>();
  #server: DatabaseServer;
  #checkpointCount = 0;
  /** Of everybody, and by instance. */
  #reach: Reach = "there";
  readonly #reachOf = new Map<number, Reach>();
  /** By instance: has not noticed that another server is the primary by now. */
  readonly #stale = new Map<number, DatabaseServer>();

  constructor(parts: VirtualDatabaseParts) {
    this.#parts = parts;
    this.#server = this.#newServer(new DatabaseTables(parts.partitionCount));
  }

  get partitionCount(): number {
    return this.#parts.partitionCount;
  }

  /** The primary's, as others see them. */
  get tables(): DatabaseTables {
    return this.#server.tables;
  }

  get standbys(): { isAskedFor: boolean; syncCount: number } {
    return this.#server.standbys;
  }

  wallMs(): number {
    return this.#parts.wallMs();
  }

  get watch(): LogWatch | undefined {
    return this.#parts.watch;
  }

  /** A process's own way to it. */
  client(caller: Caller): DatabaseClient {
    return new DatabaseClient(this, caller);
  }

  nextCheckpointNumber(): number {
    return ++this.#checkpointCount;
  }

  /** Sends a statement off; what becomes of it is told to the call. */
  send<T>(caller: Caller, statement: Statement<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const { callTimeoutMs } = this.#parts;
      const call: DatabaseCall<T> = new DatabaseCall({
        caller,
        callTimeoutMs,
        resolve,
        reject,
        onSettled: () => this.#calls.delete(call as DatabaseCall<unknown>),
      });
      this.#calls.add(call as DatabaseCall<unknown>);
      this.#send(call, statement, this.#reachOf.get(caller.instance) ?? this.#reach);
    });
  }

  /** From now on it refuses, or says nothing, or is there again: to all, or to one instance. */
  reach(reach: Reach, instance?: number): void {
    if (instance === undefined) this.#reach = reach;
    else if (reach === "there") this.#reachOf.delete(instance);
    else this.#reachOf.set(instance, reach);
    if (reach === "refuses") this.#breakCalls((call) => instance === undefined || call.instance === instance);
  }

  stallStandby(isStalled: boolean): void {
    this.#server.stallStandby(isStalled);
  }

  cancelWaits(): void {
    this.#server.cancelWaits();
  }

  /** The primary crashes, and is there again after `downMs`. */
  crash(downMs: number): void {
    const server = this.#server;
    server.crash();
    this.#breakCalls((call) => call.server === server);
    this.#parts.after(downMs, () => server.restart());
  }

  /**
   * The standby is promoted, and takes connections after `downMs`. An instance of `stale` goes on with the server that
   * was the primary until `staleMs` from now: it reads there what was, and is told of no commit.
   */
  failOver(downMs: number, stale: readonly number[] = [], staleMs = 0): void {
    const before = this.#server;
    const after = this.#newServer(before.promoteStandby());
    this.#server = after;
    if (this.#parts.isSynchronous ?? true) this.#parts.watch?.promoted(after.tables.partitions.map(({ head }) => head));
    for (const instance of stale) this.#stale.set(instance, before);
    this.#breakCalls((call) => call.server === before && !stale.includes(call.instance));
    if (stale.length === 0 && !before.isDown) before.crash();
    after.pause(true);
    this.#parts.after(downMs, () => after.pause(false));
    if (stale.length > 0) this.#parts.after(staleMs, () => this.#noticed(before));
  }

  /** From now on everything works. */
  heal(): void {
    this.weather = CALM;
    this.weatherOf.clear();
    this.#reach = "there";
    this.#reachOf.clear();
    for (const server of new Set(this.#stale.values())) this.#noticed(server);
    this.stallStandby(false);
  }

  #noticed(before: DatabaseServer): void {
    for (const [instance, server] of this.#stale) if (server === before) this.#stale.delete(instance);
    if (!before.isDown) before.crash();
    this.#breakCalls((call) => call.server === before);
  }

  #send<T>(call: DatabaseCall<T>, statement: Statement<T>, reach: Reach): void {
    const { random, after, callTimeoutMs } = this.#parts;
    const server = this.#stale.get(call.instance) ?? this.#server;
    const weather = this.#weatherAt(call);
    const arrive = (): void => this.#arrive(call, statement, server);
    if (reach === "refuses" || server.isRefusing) {
      call.notDone("connection refused", this.#latencyMs(weather));
    } else if (reach === "hangs") {
      // Nobody knows whether it was sent; what was waits in the network, or never arrives.
      const isSent = random.chance(0.5);
      if (isSent) call.giveUpInTime();
      else call.notDone("no connection within the time", callTimeoutMs);
      if (isSent && random.chance(0.5)) after(random.below(LATE_MS_MAX), arrive);
    } else if (this.#happens(weather.lostRequest)) {
      if (random.chance(0.3)) call.notDone("connection lost before it was sent", this.#latencyMs(weather));
      else call.unknown("connection lost", random.below(callTimeoutMs));
    } else {
      call.server = server;
      const isLate = this.#happens(weather.lateRequest);
      if (isLate) call.unknown("connection lost", random.below(callTimeoutMs));
      after(this.#latencyMs(weather) + (isLate ? random.below(LATE_MS_MAX) : 0), arrive);
    }
  }

  #arrive<T>(call: DatabaseCall<T>, statement: Statement<T>, server: DatabaseServer): void {
    call.server = server;
    const weather = this.#weatherAt(call);
    if (server.isRefusing) {
      call.unknown("connection lost", this.#latencyMs(weather));
    } else if (this.#happens(statement.name === "append" ? weather.failedAppends : 0)) {
      call.notDone("the server cannot append", this.#latencyMs(weather));
    } else if (this.#happens(weather.failed)) {
      call.notDone("the server says no", this.#latencyMs(weather));
    } else {
      const onBlocked = () => call.giveUpInTime();
      server.work(statement, onBlocked, (ended) => this.#ended(call, statement, ended));
    }
  }

  #ended<T>(call: DatabaseCall<T>, statement: Statement<T>, ended: Ended<T>): void {
    if (ended.how === "committed") {
      statement.onCommitted?.(ended.result);
      this.committedCounts.set(statement.name, (this.committedCounts.get(statement.name) ?? 0) + 1);
    }
    const weather = this.#weatherAt(call);
    const isHung = (this.#reachOf.get(call.instance) ?? this.#reach) === "hangs";
    if (isHung || this.#happens(weather.lostReply)) {
      call.giveUpInTime();
      return;
    }
    const { random, callTimeoutMs } = this.#parts;
    const lateMs = this.#happens(weather.lateReply) ? random.below(callTimeoutMs) : 0;
    if (ended.how === "committed") call.done(ended.result, this.#latencyMs(weather) + lateMs);
    else if (ended.how === "refused") call.refused(ended.error, this.#latencyMs(weather));
    else call.unknown(ended.how, this.#latencyMs(weather));
  }

  #breakCalls(isBroken: (call: DatabaseCall<unknown>) => boolean): void {
    for (const call of [...this.#calls])
      if (isBroken(call)) call.unknown("connection reset", this.#latencyMs(this.weather));
  }

  #newServer(tables: DatabaseTables): DatabaseServer {
    const { random, after, isSynchronous = true } = this.#parts;
    return new DatabaseServer({ tables, random, after, isSynchronous, cancelChance: () => this.weather.cancelled });
  }

  #weatherAt({ instance }: { instance: number }): DatabaseWeather {
    return this.weatherOf.get(instance) ?? this.weather;
  }

  #latencyMs({ delayMsMax }: DatabaseWeather): number {
    const { random } = this.#parts;
    return random.below(LATENCY_MS_MAX + 1) + (delayMsMax > 0 ? random.below(delayMsMax) : 0);
  }

  #happens(chance: number): boolean {
    return chance > 0 && this.#parts.random.chance(chance);
  }
}
