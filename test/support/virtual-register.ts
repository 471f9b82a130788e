import type { OpenRegister, PollNews, PollRegister, RegisterListener } from "../../server/health/poll-register.ts";
import { type PollTable, TableRegister } from "../../server/health/table-register.ts";
import type { PollResult } from "../../server/meters/poll-report.ts";
import type { Life, PollSimulation } from "./poll-simulation.ts";

type Connection = { life: Life; listener: Pick<RegisterListener, "lost" | "told">; isOpen: boolean };
type Told = { token: string; result: PollResult; atMs: number };

/**
 * Redis or a database as the instances of a simulation know it: messages take their time and get lost, it dies and
 * forgets. One processor.
 */
export class VirtualRegister {
  /** Chance that a message gets lost, there or back; the connection stays, in silence. */
  lostMessages = 0;
  readonly #world: PollSimulation;
  readonly #kind: "redis" | "table";
  readonly #connections = new Set<Connection>();
  #isUp = true;
  #right: { token: string; untilMs: number } | undefined;
  #told: Told | undefined;

  constructor(world: PollSimulation, kind: "redis" | "table") {
    this.#world = world;
    this.#kind = kind;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** `kill -9`: all connections end, some of them later than others. */
  crash(forgets: boolean): void {
    this.#isUp = false;
    for (const connection of this.#connections) this.#end(connection);
    if (!forgets) return;
    this.#right = undefined;
    this.#told = undefined;
  }

  start(): void {
    this.#isUp = true;
  }

  openFor(life: Life): OpenRegister {
    if (this.#kind === "redis") return (listener) => this.#connect(life, listener, true);
    return (listener) =>
      new TableRegister(
        (lost) => {
          const { ready, close, take, keep } = this.#connect(life, { lost, told: () => {} }, false);
          const latest = () => this.#ask(this.#connectionOf(life), () => this.#latest());
          const table: PollTable = { tryTake: take, keep, latest };
          return { ready, close, table };
        },
        life,
        listener,
      );
  }

  #connectionOf(life: Life): Connection {
    return [...this.#connections].findLast((connection) => connection.life === life)!;
  }

  #connect(life: Life, listener: Connection["listener"], isTold: boolean): PollRegister {
    const connection = { life, listener, isOpen: true };
    this.#connections.add(connection);
    const greet = (): void => {
      const [news] = this.#latest();
      if (isTold && news) this.#deliver(connection, () => listener.told(0, news.news));
    };
    return {
      ready: this.#ask(connection, greet),
      take: (_processor, token, forMs) => this.#ask(connection, () => this.#take(token, forMs)),
      keep: (_processor, ...told) => this.#ask(connection, () => this.#keep(...told)),
      close: () => {
        connection.isOpen = false;
        this.#connections.delete(connection);
      },
    };
  }

  #take(token: string, forMs: number): boolean {
    const { nowMs } = this.#world.time;
    if (this.#right && this.#right.untilMs > nowMs) return false;
    this.#right = { token, untilMs: nowMs + forMs };
    return true;
  }

  #keep(token: string, forMs: number, result?: PollResult): void {
    const { nowMs } = this.#world.time;
    if (this.#right?.token !== token || (this.#kind === "redis" && this.#right.untilMs <= nowMs)) return;
    this.#right.untilMs = nowMs + forMs;
    if (!result) return;
    this.#told = { token, result, atMs: nowMs };
    if (this.#kind === "table") return;
    for (const connection of this.#connections)
      this.#deliver(connection, () => connection.listener.told(0, { token, result, ageMs: 0 }));
  }

  #latest(): { processor: number; news: PollNews }[] {
    if (!this.#told) return [];
    const { token, result, atMs } = this.#told;
    return [{ processor: 0, news: { token, result, ageMs: this.#world.time.nowMs - atMs } }];
  }

  /** What is under way to the register is done even if nobody lives to see the answer. */
  async #ask<T>(connection: Connection, what: () => T): Promise<T> {
    const { weather, random } = this.#world;
    await this.#pause(weather.messageMs(random));
    if (!this.#isUp) await this.#refuse(connection);
    if (!connection.isOpen || random.chance(this.lostMessages)) return forever();
    const answer = what();
    await this.#pause(weather.messageMs(random));
    if (!connection.isOpen || random.chance(this.lostMessages)) return forever();
    await connection.life.awake();
    return connection.life.isOver ? forever() : answer;
  }

  async #refuse(connection: Connection): Promise<never> {
    await connection.life.awake();
    if (connection.life.isOver) await forever();
    throw new Error("nobody is there");
  }

  #deliver(connection: Connection, what: () => void): void {
    const { weather, random } = this.#world;
    if (random.chance(this.lostMessages)) return;
    void this.#pause(weather.messageMs(random)).then(async () => {
      await connection.life.awake();
      if (connection.isOpen && !connection.life.isOver) what();
    });
  }

  #end(connection: Connection): void {
    this.#connections.delete(connection);
    void this.#pause(this.#world.weather.messageMs(this.#world.random)).then(async () => {
      await connection.life.awake();
      const wasOpen = connection.isOpen;
      connection.isOpen = false;
      if (wasOpen && !connection.life.isOver) connection.listener.lost(new Error("reset"));
    });
  }

  #pause(delayMs: number): Promise<void> {
    return this.#world.time.pause(delayMs);
  }
}

function forever(): Promise<never> {
  return new Promise(() => {});
}
