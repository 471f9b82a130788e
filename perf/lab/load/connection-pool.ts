import { Connection, type Outcome } from "./connection.ts";

export type OnPooledOutcome = (connection: number, outcome: Outcome) => void;

/**
 * Kept-alive connections, as many as requests are out at once, up to a limit. The one that was used last is used first, so that
 * a load uses no more of them than it needs.
 */
export class ConnectionPool {
  readonly #target: URL;
  readonly #countMax: number;
  readonly #connections: Connection[] = [];
  /** One for each connection, made with it: no closure for every request. */
  readonly #settlers: ((outcome: Outcome) => void)[] = [];
  readonly #free: number[] = [];
  readonly #onOutcome: OnPooledOutcome;

  constructor(target: URL, countMax: number, onOutcome: OnPooledOutcome) {
    this.#target = target;
    this.#countMax = countMax;
    this.#onOutcome = onOutcome;
  }

  /** As many as there ever were; a connection's number is below it. */
  get count(): number {
    return this.#connections.length;
  }

  /** Connects ahead of need; those who ask before it is done wait for it. */
  open(count: number): void {
    while (this.#connections.length < Math.min(count, this.#countMax)) {
      const connection = this.#add();
      this.#connections[connection]!.open();
      this.#free.push(connection);
    }
  }

  /** Hot. Sends at once, on a connection that nobody else uses, and tells which; -1: all are in use, and nothing was sent. */
  send(request: string): number {
    const connection = this.#free.pop() ?? (this.#connections.length < this.#countMax ? this.#add() : -1);
    if (connection >= 0) this.#connections[connection]!.send(request, this.#settlers[connection]!);
    return connection;
  }

  /** Ends what is out on it. */
  timeOut(connection: number): void {
    this.#connections[connection]!.timeOut();
  }

  /** What is out then has no outcome. */
  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  /** A load is short, and one that grew in a burst shall not connect anew in the next: what the server closes is forgotten anyway. */
  #add(): number {
    const number = this.#connections.length;
    this.#connections.push(new Connection(this.#target, Number.POSITIVE_INFINITY));
    this.#settlers.push((outcome) => {
      this.#free.push(number);
      this.#onOutcome(number, outcome);
    });
    return number;
  }
}
