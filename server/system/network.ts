import type { LookupFunction } from "node:net";

/** The way to other machines: connections that carry bytes in order. */
export interface Network {
  /** Resolves names for those who make connections of another kind. */
  readonly lookup?: LookupFunction;
  /**
   * Begins a connection. `events` hears of it later, never from within this call or one to the wire. One that cannot be
   * made within some seconds is closed.
   */
  connect(host: string, port: number, events: WireEvents): Wire;
}

/** One connection, as its user sees it: bytes are characters of a latin1 string. */
export interface Wire {
  /** Hands bytes over once connected. Whether they arrive is not known. */
  send(text: string): void;
  /** Ends the connection at once. Nothing but `closed` is heard of it afterwards. */
  close(): void;
}

export interface WireEvents {
  connected(): void;
  /** At least one byte, cut as it came. */
  received(text: string): void;
  /** The other end has nothing more to say. */
  ended(): void;
  /** The last event, exactly once. `error`: what the system said, if that was the reason. */
  closed(error: Error | undefined): void;
}
