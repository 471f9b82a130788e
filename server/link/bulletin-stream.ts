import type { Socket } from "node:net";
import type { Bulletin } from "../partition/neighbours.ts";
import type { Address } from "../system/address.ts";
import type { NameLookup } from "../system/name-lookup.ts";
import { buildConnector, Client, type Dispatcher } from "../system/undici.ts";
import { BulletinLines, bulletinOf } from "./bulletin-lines.ts";
import { connectOptions, originOf } from "./link-address.ts";
import { LINK_BULLETINS } from "./peer-answers.ts";

const CONNECT_TIMEOUT_MS = 2000;
/** What the system says where nobody listens. A full queue of connections (EAGAIN) is somebody's. */
const REFUSALS: readonly (string | undefined)[] = ["ECONNREFUSED", "ENOENT"];

/** What undici calls answers that are no legal HTTP/1.1, or have endless heads. */
const NO_HTTP: readonly string[] = ["HTTPParserError", "HeadersOverflowError"];

/** How a stream has ended: nobody listens there; somebody does who is no such instance; or anything else. */
export type StreamEnd = { kind: "refused" | "broken" } | { kind: "strange"; reason: string };

export type StreamEvents = { onBulletin(bulletin: Bulletin): void; onEnd(end: StreamEnd): void };

/** As undici wants it, but the socket is returned: undici forgets about one that is not connected yet. */
type Connector = (...args: Parameters<ReturnType<typeof buildConnector>>) => Socket;

/** One GET /2/bulletins, on a connection of its own. It ends once, and says nothing after it was closed. */
export class BulletinStream implements Dispatcher.DispatchHandler {
  readonly #client: Client;
  readonly #instance: number;
  readonly #events: StreamEvents;
  readonly #lines = new BulletinLines();
  #socket: Socket | undefined;
  #isOver = false;

  /** Connects to `instance` at its address. */
  constructor(instance: number, address: Address, names: NameLookup, events: StreamEvents) {
    this.#instance = instance;
    this.#events = events;
    const connect = buildConnector(connectOptions(address, names, CONNECT_TIMEOUT_MS)) as unknown as Connector;
    this.#client = new Client(originOf(address), {
      connect: (options, callback) => {
        this.#socket = connect(options, callback);
      },
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#client.dispatch({ method: "GET", path: LINK_BULLETINS }, this);
  }

  close(): void {
    this.#isOver = true;
    this.#socket?.destroy();
    void this.#client.destroy();
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    if (status !== 200) this.#end({ kind: "strange", reason: `status=${status}` });
  }

  onResponseData(_controller: Dispatcher.DispatchController, piece: Buffer): void {
    if (this.#isOver) return;
    const taken = this.#lines.take(piece);
    if (taken === undefined) this.#end({ kind: "strange", reason: "a line is too long" });
    else if (taken.line !== undefined) this.#read(taken.line);
  }

  /** An instance's answer has no end. */
  onResponseEnd(): void {
    this.#end({ kind: "strange", reason: "its answer has an end" });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: NodeJS.ErrnoException): void {
    if (NO_HTTP.includes(error.name)) this.#end({ kind: "strange", reason: "its answer is no legal HTTP" });
    else this.#end({ kind: REFUSALS.includes(error.code) ? "refused" : "broken" });
  }

  #read(line: string): void {
    const bulletin = bulletinOf(line, this.#instance);
    if (bulletin) this.#events.onBulletin(bulletin);
    else this.#end({ kind: "strange", reason: "a line is no bulletin of this instance" });
  }

  #end(end: StreamEnd): void {
    if (this.#isOver) return;
    this.close();
    this.#events.onEnd(end);
  }
}
