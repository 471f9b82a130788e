import type { HttpResponse } from "uWebSockets.js";
import type { Bulletin } from "../partition/neighbours.ts";
import type { Time, Timer } from "../system/time.ts";
import { BulletinReader } from "./bulletin-reader.ts";

export const HEARTBEAT_MS = 200;

/**
 * Where this instance's bulletin is read: the open answers to GET /2/bulletins. Each is told at once, whenever the
 * bulletin has changed, and as a heartbeat.
 */
export class BulletinBoard {
  readonly #readers = new Set<BulletinReader>();
  readonly #time: Time;
  #bulletin: (() => Bulletin) | undefined;
  #heartbeat: Timer | undefined;
  #isClosed = false;

  constructor(time: Time) {
    this.#time = time;
  }

  /** There is a bulletin from now on. Whoever has come before has been told nothing yet. */
  publish(bulletin: () => Bulletin): void {
    this.#bulletin = bulletin;
    this.#beat();
  }

  /** Tells all readers how things are now. */
  tell(): void {
    if (this.#readers.size === 0) return;
    const line = this.#line();
    if (line === undefined) return;
    for (const reader of [...this.#readers]) reader.tell(line);
  }

  /** Answers a request, to be called within its handler. The answer has no end but that of either side. */
  serve(res: HttpResponse): void {
    if (this.#isClosed) {
      res.onAborted(() => {});
      res.close();
      return;
    }
    const reader = new BulletinReader(
      res,
      this.#time,
      () => this.#line(),
      () => this.#readers.delete(reader),
    );
    this.#readers.add(reader);
    const line = this.#line();
    if (line !== undefined) reader.tell(line);
  }

  /** Ends all answers. */
  close(): void {
    this.#isClosed = true;
    this.#heartbeat?.cancel();
    for (const reader of [...this.#readers]) reader.drop();
  }

  #line(): string | undefined {
    return this.#bulletin && `${JSON.stringify(this.#bulletin())}\n`;
  }

  #beat(): void {
    if (this.#isClosed) return;
    this.tell();
    this.#heartbeat = this.#time.after(HEARTBEAT_MS, () => this.#beat());
  }
}
