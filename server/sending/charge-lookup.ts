import type { Time } from "../system/time.ts";
import type { Connection, Failure, Receiver } from "./connection.ts";
import { Connections, type Surroundings } from "./connections.ts";
import type { Target } from "./endpoint.ts";
import { readTold, type Told } from "./told-charge.ts";

/**
 * Asks one processor what it knows of payments that are in no flight of the engine: after a restored start, and when a
 * journal is repaired. As many connections as questions are out; the caller bounds those.
 */
export class ChargeLookup {
  readonly #connections: Connections;
  readonly #timeoutMs: number;
  readonly #time: Time;
  readonly #busy = new Set<Connection>();
  #isClosed = false;

  /** An answer that has not come within `timeoutMs`, connecting included, is not told. */
  constructor(target: Target, timeoutMs: number, surroundings: Surroundings) {
    this.#connections = new Connections(target, surroundings);
    this.#timeoutMs = timeoutMs;
    this.#time = surroundings.time;
  }

  /** What the processor tells of the payment; `correlationId` in lower case. Never rejects. */
  async ask(correlationId: string): Promise<Told> {
    const kept = this.#connections.takeKept();
    const told = kept && (await this.#askOn(kept, correlationId));
    // A kept connection may just have been closed by the processor: that says nothing.
    if (told !== undefined && told !== "dropped") return told;
    if (this.#isClosed) return { kind: "not told" };
    const again = await this.#askOn(this.#connections.takeNew(), correlationId);
    return again === "dropped" ? { kind: "not told" } : again;
  }

  /** Questions that are out are not told. */
  close(): void {
    this.#isClosed = true;
    this.#connections.close();
    for (const connection of this.#busy) connection.close();
  }

  #askOn(connection: Connection, correlationId: string): Promise<Told | "dropped"> {
    this.#busy.add(connection);
    return new Promise((resolve) => {
      const timer = this.#time.after(this.#timeoutMs, () => connection.timeOut());
      const ended = (told: Told | "dropped"): void => {
        timer.cancel();
        this.#busy.delete(connection);
        resolve(told);
      };
      const path = `${this.#connections.endpoint.path}/${correlationId}`;
      connection.send({ method: "GET", path, headers: [], body: "" }, new Question(correlationId, ended));
    });
  }
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
    this.#ended(failure === "reset" || failure === "stale" ? "dropped" : { kind: "not told" });
  }
}
