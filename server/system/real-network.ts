import { connect, type LookupFunction, type Socket } from "node:net";
import type { NameLookup } from "./name-lookup.ts";
import type { Network, Wire, WireEvents } from "./network.ts";

const CONNECT_TIMEOUT_MS = 5000;
/** Read at a time. A processor's answers are a few hundred bytes. */
const PIECE_BYTES_MAX = 16_384;

/** All sockets read into the same bytes: each piece is taken out before the next one is read. */
const received = Buffer.allocUnsafeSlow(PIECE_BYTES_MAX);

/** TCP, without Nagle's delay. */
export class RealNetwork implements Network {
  readonly #names: NameLookup;

  constructor(names: NameLookup) {
    this.#names = names;
  }

  get lookup(): LookupFunction {
    return this.#names.lookup;
  }

  connect(host: string, port: number, events: WireEvents): Wire {
    return new RealWire(host, port, this.#names, events);
  }
}

class RealWire implements Wire {
  readonly #socket: Socket;
  #error: Error | undefined;

  constructor(host: string, port: number, { lookup }: NameLookup, events: WireEvents) {
    const onread = {
      buffer: received,
      callback: (count: number) => {
        events.received(received.toString("latin1", 0, count));
        return true;
      },
    };
    this.#socket = connect({ host, port, lookup, noDelay: true, timeout: CONNECT_TIMEOUT_MS, onread });
    this.#socket.once("connect", () => {
      this.#socket.setTimeout(0);
      events.connected();
    });
    this.#socket.once("timeout", () => this.#socket.destroy());
    this.#socket.once("end", () => events.ended());
    this.#socket.on("error", (error) => {
      this.#error = error;
    });
    this.#socket.once("close", () => events.closed(this.#error));
  }

  send(text: string): void {
    this.#socket.write(text, "latin1");
  }

  close(): void {
    this.#socket.destroy();
  }
}
