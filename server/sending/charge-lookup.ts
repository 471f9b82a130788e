import type { Network } from "../system/network.ts";
import type { Time } from "../system/time.ts";
import { Connection, type Failure, type Receiver } from "./connection.ts";
import { type Endpoint, endpointOf } from "./endpoint.ts";
import { readTold, type Told } from "./told-charge.ts";

/** Below the idle limits of common servers. */
const IDLE_MS_MAX = 4000;

/**
 * Asks one processor what it knows of payments that are in no flight of the engine: after a restored start, and when a
 * journal is repaired. As many connections as questions are out; the caller bounds those.
 */
export class ChargeLookup {
  readonly #endpoint: Endpoint;
  readonly #timeoutMs: number;
  readonly #network: Network;
  readonly #time: Time;
  readonly #busy = new Set<Connection>();
  #idle: Connection[] = [];
  #isClosed = false;

  /** An answer that has not come within `timeoutMs`, connecting included, is not told. */
  constructor(url: URL, timeoutMs: number, { network, time }: { network: Network; time: Time }) {
    this.#endpoint = endpointOf(url);
    this.#timeoutMs = timeoutMs;
    this.#network = network;
    this.#time = time;
  }

  /** What the processor tells of the payment; `correlationId` in lower case. Never rejects. */
  async ask(correlationId: string): Promise<Told> {
    const kept = this.#takeIdle();
    const told = kept && (await this.#askOn(kept, correlationId));
    // A kept connection may just have been closed by the processor: that says nothing.
    if (told !== undefined && told !== "dropped") return told;
    if (this.#isClosed) return { kind: "not told" };
    const { host, port } = this.#endpoint;
    const again = await this.#askOn(new Connection(this.#network, host, port, this.#release), correlationId);
    return again === "dropped" ? { kind: "not told" } : again;
  }

  /** Questions that are out are not told. */
  close(): void {
    this.#isClosed = true;
    for (const connection of [...this.#idle, ...this.#busy]) connection.close();
    this.#idle = [];
  }

  #askOn(connection: Connection, correlationId: string): Promise<Told | "dropped"> {
    const { path, headers } = this.#endpoint;
    this.#busy.add(connection);
    return new Promise((resolve) => {
      const timer = this.#time.after(this.#timeoutMs, () => connection.timeOut());
      const ended = (told: Told | "dropped"): void => {
        timer.cancel();
        this.#busy.delete(connection);
        resolve(told);
      };
      const request = `GET ${path}/${correlationId} HTTP/1.1\r\n${headers}\r\n`;
      connection.send(request, new Question(correlationId, ended));
    });
  }

  #takeIdle(): Connection | undefined {
    const idleBeforeMs = this.#time.monotonicMs() - IDLE_MS_MAX;
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return undefined;
      if (connection.isClosed) continue;
      if (connection.idleSinceMs >= idleBeforeMs) return connection;
      connection.close();
    }
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

class Question implements Receiver {
  readonly #correlationId: string;
  readonly #ended: (told: Told | "dropped") => void;

  constructor(correlationId: string, ended: (told: Told | "dropped") => void) {
    this.#correlationId = correlationId;
    this.#ended = ended;
  }

  answered(status: number, body: string): void {
    this.#ended(readTold(status, body, this.#correlationId));
  }

  failed(failure: Failure): void {
    this.#ended(failure === "reset" ? "dropped" : { kind: "not told" });
  }
}
