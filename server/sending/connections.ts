import type { Network } from "../system/network.ts";
import type { Time } from "../system/time.ts";
import type { Connection } from "./connection.ts";
import { type Endpoint, endpointOf, type Target } from "./endpoint.ts";
import { PlainConnection } from "./plain-connection.ts";
import { TlsConnection, tlsConnector } from "./tls-connection.ts";

/** Below the idle limits of common servers: whoever closes first must not be the one about to be sent a payment. */
const IDLE_MS_MAX = 4000;

/** What connections work with. */
export type Surroundings = { network: Network; time: Time };

export type ConnectionsOptions = {
  /** Longest body of an answer; a longer one ends the connection. Any length unless told otherwise. */
  bodyBytesMax?: number;
};

/**
 * The connections to one processor: as many as requests are out, which the caller bounds, and those that are kept. The
 * one used last is used next, so that those beyond the need grow old.
 */
export class Connections {
  readonly endpoint: Endpoint;
  readonly #time: Time;
  readonly #open: (onIdle: (connection: Connection) => void) => Connection;
  #idle: Connection[] = [];
  #isClosed = false;

  constructor(target: Target, { network, time }: Surroundings, { bodyBytesMax }: ConnectionsOptions = {}) {
    const endpoint = endpointOf(target);
    this.endpoint = endpoint;
    this.#time = time;
    if (endpoint.isSecure) {
      const connect = tlsConnector(endpoint, network, target.tls);
      this.#open = (onIdle) => new TlsConnection(endpoint, connect, onIdle, bodyBytesMax);
    } else {
      this.#open = (onIdle) => new PlainConnection(endpoint, network, onIdle, bodyBytesMax);
    }
  }

  /** One that is kept and idle, or a new one. */
  take(): Connection {
    return this.takeKept() ?? this.takeNew();
  }

  takeKept(): Connection | undefined {
    const idleBeforeMs = this.#time.monotonicMs() - IDLE_MS_MAX;
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return undefined;
      if (connection.isClosed) continue;
      if (connection.idleSinceMs >= idleBeforeMs) return connection;
      connection.close();
    }
  }

  takeNew(): Connection {
    return this.#open(this.#release);
  }

  /** Closes those that have been idle for long. */
  closeIdle(): void {
    const idleBeforeMs = this.#time.monotonicMs() - IDLE_MS_MAX;
    // Given back in this order, so the first has been idle for longest.
    while (this.#idle.length > 0 && this.#idle[0]!.idleSinceMs < idleBeforeMs) this.#idle.shift()!.close();
  }

  /** Keeps none any more; those that are out are their owners' to close. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#idle) connection.close();
    this.#idle = [];
  }

  readonly #release = (connection: Connection): void => {
    if (this.#isClosed) {
      connection.close();
      return;
    }
    connection.idleSinceMs = this.#time.monotonicMs();
    this.#idle.push(connection);
  };
}
