import type { Socket } from "node:net";
import { type Client, DatabaseError, Query } from "pg";
import { NotDoneError, UnknownError } from "../lease/database.ts";

/** `name`: prepared once for each connection, under this name. */
export type Statement = { name?: string; text: string };

/** Number of its host, and of the time without a loss in which it was made. */
export type Origin = { host: number; era: number };

export type Row = Record<string, unknown>;

const NOT_A_WARNING = "00000";
/** The server writes no more: it became a standby, or somebody said so. */
const READ_ONLY = "25006";

/**
 * A connection to the database, with one statement at a time, which is a transaction of its own. What became of it:
 *
 *   ErrorResponse, then ReadyForQuery         rolled back: NotDoneError
 *   success, then ReadyForQuery               done; ReadyForQuery comes only after the commit
 *   success with a warning                    committed here, but somebody ended the wait for the standby: UnknownError
 *   anything else: the connection is lost,    UnknownError, and the connection is not used again
 *     ended by the server (FATAL), too late
 *
 * So nothing is told before ReadyForQuery, an error neither. The client tells of that by `drain`.
 */
export class Session {
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #latestTimeline: () => number;
  /** Of the server. */
  timeline = Number.POSITIVE_INFINITY;
  /** Where it leads to, and since when; see Connector. */
  readonly origin: Origin;
  #isLost = false;
  #wasSilent = false;
  #settle: ((failure?: Error) => void) | undefined;
  #warning: string | undefined;

  /** A connected client and the socket that it was given; and the latest timeline that any session has seen. */
  constructor(client: Client, socket: Socket, origin: Origin, latestTimeline: () => number) {
    this.#client = client;
    this.origin = origin;
    this.#socket = socket;
    this.#latestTimeline = latestTimeline;
    client.on("notice", ({ code, message }) => {
      if (code !== NOT_A_WARNING) this.#warning ??= message ?? "without words";
    });
    client.on("drain", () => this.#settle?.());
    client.on("error", (error) => this.#lose(error));
    client.on("end", () => this.#lose(new Error("the server closed the connection")));
  }

  /** Nothing can be asked here any more. */
  get isLost(): boolean {
    if (this.timeline < this.#latestTimeline()) this.#lose(new Error("another server was promoted over this one"));
    return this.#isLost;
  }

  /** Lost because no answer came in time: the machine may be gone, or cut off. */
  get wasSilent(): boolean {
    return this.#wasSilent;
  }

  /** Rejects with NotDoneError or UnknownError; `timeoutMs` later at the latest. One at a time. */
  run(statement: Statement, values: readonly unknown[], timeoutMs: number): Promise<Row[]> {
    if (this.isLost) return Promise.reject(new NotDoneError("the connection was lost before: sent=false"));
    return new Promise<Row[]>((resolve, reject) => {
      let outcome: Row[] | Error | undefined;
      const timer = setTimeout(() => {
        this.#wasSilent = true;
        this.#lose(new Error(`no answer in time: timeoutMs=${Math.round(timeoutMs)}`));
      }, timeoutMs);
      this.#warning = undefined;
      this.#settle = (failure) => {
        this.#settle = undefined;
        clearTimeout(timer);
        if (failure === undefined && this.timeline < this.#latestTimeline())
          reject(unknown(new Error("another server was promoted over this one")));
        else if (failure !== undefined) reject(unknown(outcome instanceof Error ? outcome : failure));
        else if (outcome === undefined) reject(unknown(new Error("the server was ready without an answer")));
        else if (outcome instanceof Error) reject(this.#notDone(outcome));
        else if (this.#warning !== undefined) reject(unknown(new Error(this.#warning)));
        else resolve(outcome);
      };
      const query = queryOf(statement, values, (error, rows) => {
        outcome = error ?? rows;
        // What the server did not say itself leaves the connection in a state that nobody knows.
        if (error && !(error instanceof DatabaseError)) this.#lose(error);
      });
      this.#client.query(query);
    });
  }

  /** Ends the connection in order if nothing is under way; else what is under way is unknown. */
  end(): void {
    if (this.#isLost) return;
    if (this.#settle !== undefined) this.#lose(new Error("the store is being closed"));
    else {
      this.#isLost = true;
      this.#client.end(() => undefined);
      // A server that is gone would never close its side.
      this.#socket.destroySoon();
    }
  }

  #notDone(error: Error): NotDoneError {
    if (error instanceof DatabaseError && error.code === READ_ONLY) this.#lose(error);
    return notDone(error);
  }

  #lose(error: Error): void {
    this.#isLost = true;
    this.#socket.destroy();
    this.#settle?.(error);
  }
}

/** Hot: a statement by its text is not copied property by property, as an object that describes it would be. */
function queryOf(
  { name, text }: Statement,
  values: readonly unknown[],
  onEnd: (error: Error | undefined, rows: Row[]) => void,
): Query<Row> {
  const query = new Query<Row>(text, values as unknown[], (error, result) => {
    // Several statements in one text have several results, and are run for what they do.
    onEnd(error ?? undefined, result?.rows ?? []);
  });
  return name === undefined ? query : Object.assign(query, { name });
}

export function notDone(cause: Error): NotDoneError {
  return new NotDoneError(`the database refused: reason=${reasonOf(cause)}`, { cause });
}

function unknown(cause: Error): UnknownError {
  return new UnknownError(`whether it was done is unknown: reason=${reasonOf(cause)}`, { cause });
}

/** SQLSTATE of what the server said, if it did. */
export function sqlStateOf(error: unknown): string | undefined {
  const cause = error instanceof NotDoneError || error instanceof UnknownError ? error.cause : error;
  return cause instanceof DatabaseError ? cause.code : undefined;
}

export function reasonOf(error: Error): string {
  const { code } = error as { code?: string };
  return code === undefined ? error.message : `${code} ${error.message}`;
}
