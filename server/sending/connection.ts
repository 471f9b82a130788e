/**
 * Why a request has no answer.
 *
 *   unreachable   not a byte of it left: there was no connection
 *   stale         not a byte of it left: the connection had been kept, and had ended; a new one may do
 *   reset         nobody knows what became of it
 *   timed out     the same, and the connection may still be good
 */
export type Failure = "unreachable" | "stale" | "reset" | "timed out";

/**
 * Of one request exactly one of the two, later, never from within a call to the connection. `wasKept`: the connection
 * had served a request before this one, so that whoever is at the other end may have been about to close it.
 */
export interface Receiver {
  /** `body`: as much as is kept of it. `isProvenEmpty`: it was declared to be empty, and is. */
  answered(status: number, body: string, isProvenEmpty: boolean, wasKept: boolean): void;
  /** `error`: what the system said, or that it said nothing. */
  failed(failure: Failure, error: Error, wasKept: boolean): void;
}

export const FAILURE_REASONS: Readonly<Record<Failure, string>> = {
  unreachable: "no connection in time",
  stale: "the kept connection had ended",
  reset: "the connection ended before the answer",
  "timed out": "no answer in time",
};

/** A request to a processor; only ASCII. */
export type WireRequest = {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** Beyond those that every request to the processor has: by name and value in turn. */
  readonly headers: readonly string[];
  /** JSON; empty for a GET. */
  readonly body: string;
};

/**
 * A kept-alive connection to a processor with one request out at a time.
 *
 *   connecting ──► idle ◄──────────────┐
 *       │           │ send             │ a whole answer, and the processor keeps the connection
 *       │           └────► waiting ────┤
 *       ▼ unreachable        ▼ reset   ▼
 *     closed               closed    closed
 *
 * Two kinds: plain-connection.ts for http, tls-connection.ts for https. Both tell the owner when they are idle again.
 */
export interface Connection {
  /** When it was last given back, in monotonic milliseconds; kept by the owner. */
  idleSinceMs: number;
  readonly isClosed: boolean;
  /** Sends the request once connected; the connection is new, or idle. */
  send(request: WireRequest, receiver: Receiver): void;
  /**
   * Gives up waiting for the answer. The connection goes with it: what came later would be taken for the next one's.
   */
  timeOut(): void;
  close(): void;
}
