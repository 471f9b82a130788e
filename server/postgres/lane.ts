import { NotDoneError } from "../lease/database.ts";
import type { Connector } from "./connector.ts";
import type { Row, Session, Statement } from "./session.ts";

/** Callers of one instance: its partitions, at most 256, and some more. */
const WAITING_MAX = 1024;

type Waiter = { take: (session: Session) => void; refuse: (error: Error) => void };

/**
 * Some connections, for statements that may wait for one another; what must not wait for these has another lane.
 * Connections are made when they are needed, and those that are lost are left.
 */
export class Lane {
  readonly #connector: Connector;
  readonly #sizeMax: number;
  readonly #timeoutMs: number;
  readonly #idle: Session[] = [];
  readonly #busy = new Set<Session>();
  readonly #waiters: Waiter[] = [];
  #connectingCount = 0;
  #isClosed = false;

  /** `timeoutMs`: of a call from its beginning: waiting for its turn, connecting, and the statement. */
  constructor(connector: Connector, sizeMax: number, timeoutMs: number) {
    this.#connector = connector;
    this.#sizeMax = sizeMax;
    this.#timeoutMs = timeoutMs;
  }

  /** The rows of a statement, a transaction of its own. Rejects as Session.run does. */
  run(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    return this.lend((session, timeoutMs) => session.run(statement, values, timeoutMs));
  }

  /** Gives a connection for as long as `use` takes; `timeoutMs` is what is left of the call's time. */
  async lend<T>(use: (session: Session, timeoutMs: number) => Promise<T>): Promise<T> {
    const beganMs = performance.now();
    const session = this.#idleOne() ?? (await this.#next());
    this.#busy.add(session);
    try {
      return await use(session, Math.max(1, this.#timeoutMs - (performance.now() - beganMs)));
    } finally {
      this.#busy.delete(session);
      this.#give(session);
    }
  }

  /** What waits is not done; what is under way ends as unknown. */
  close(): void {
    this.#isClosed = true;
    this.#refuseAll(new NotDoneError("the store is closed: sent=false"));
    for (const session of [...this.#idle.splice(0), ...this.#busy]) session.end();
  }

  #idleOne(): Session | undefined {
    for (;;) {
      const session = this.#idle.pop();
      if (session === undefined || this.#connector.isTrusted(session)) return session;
      session.end();
    }
  }

  #next(): Promise<Session> {
    if (this.#isClosed) return Promise.reject(new NotDoneError("the store is closed: sent=false"));
    if (this.#waiters.length >= WAITING_MAX)
      return Promise.reject(new NotDoneError(`too many calls wait for the database: waiting=${WAITING_MAX}`));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(new NotDoneError(`no connection in time: timeoutMs=${this.#timeoutMs} sent=false`));
      }, this.#timeoutMs);
      const ended =
        <T>(end: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(timer);
          end(value);
        };
      const waiter: Waiter = { take: ended(resolve), refuse: ended(reject) };
      this.#waiters.push(waiter);
      this.#connectForWaiters();
    });
  }

  /** Makes as many connections as there are callers that wait for one, within the bound. */
  #connectForWaiters(): void {
    while (
      this.#connectingCount < this.#waiters.length &&
      this.#connectingCount + this.#busy.size + this.#idle.length < this.#sizeMax
    ) {
      this.#connectingCount++;
      this.#connector.connect(this.#timeoutMs).then(
        (session) => {
          this.#connectingCount--;
          this.#give(session);
        },
        (error: Error) => {
          this.#connectingCount--;
          // Nobody that works would serve them; and what refused this one refuses the next.
          if (this.#busy.size === 0) this.#refuseAll(error);
          else this.#waiters.shift()?.refuse(error);
        },
      );
    }
  }

  #give(session: Session): void {
    if (session.isLost) this.#connector.distrust(session);
    if (this.#isClosed) session.end();
    else if (!this.#connector.isTrusted(session)) {
      session.end();
      this.#connectForWaiters();
    } else {
      const waiter = this.#waiters.shift();
      if (waiter === undefined) this.#idle.push(session);
      else {
        // From now on, so that no other connection is made for it; `lend` goes on a moment later.
        this.#busy.add(session);
        waiter.take(session);
      }
    }
  }

  #refuseAll(error: Error): void {
    for (const waiter of this.#waiters.splice(0)) waiter.refuse(error);
  }
}
