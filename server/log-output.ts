import { type DestinationStream, pino } from "pino";

/** Bytes gathered before a write; a quieter log is flushed by the timer below. */
const BUFFER_BYTES = 4096;
/** Beyond this a slow reader costs lines, not memory. */
const BUFFER_BYTES_MAX = 1 << 20;
const FLUSH_INTERVAL_MS = 200;
/** How long the end of the process waits for whoever reads the log. */
const LAST_FLUSH_MS = 500;

type Destination = ReturnType<typeof pino.destination>;

/**
 * The standard output, written in the background and never waited for: while nobody reads, at most a megabyte of lines is kept and the others
 * are dropped and counted.
 */
export class LogOutput implements DestinationStream {
  /** Called once lines flow again after some were dropped, with their number. */
  onFlowing: (droppedCount: number) => void = () => {};
  readonly #destination: Destination;
  readonly #timer: NodeJS.Timeout;
  #droppedCount = 0;
  #toldCount = 0;
  #giveUpAtMs = Number.POSITIVE_INFINITY;

  constructor() {
    this.#destination = pino.destination({
      // Looked at once, a pipe or socket is non-blocking: full, it says so, instead of keeping a thread, and at the end the process.
      fd: process.stdout.fd,
      sync: false,
      minLength: BUFFER_BYTES,
      maxLength: BUFFER_BYTES_MAX,
      retryEAGAIN: () => performance.now() < this.#giveUpAtMs,
    } as Parameters<typeof pino.destination>[0]);
    this.#destination.on("drop", () => {
      this.#droppedCount++;
    });
    this.#destination.on("drain", () => this.#tellDropped());
    // A full disk under the log costs lines, not the service.
    this.#destination.on("error", () => {});
    this.#timer = setInterval(() => this.#destination.flush(), FLUSH_INTERVAL_MS);
  }

  /** Lines lost so far. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  write(line: string): void {
    this.#destination.write(line);
  }

  /** Writes out what is buffered, as far as it is read within half a second. */
  flushSync(): void {
    this.#giveUpAtMs = performance.now() + LAST_FLUSH_MS;
    try {
      this.#destination.flushSync();
    } catch {
      // The reader is gone or asleep; there is nobody left to tell.
    }
    this.#giveUpAtMs = Number.POSITIVE_INFINITY;
  }

  close(): void {
    clearInterval(this.#timer);
    this.flushSync();
    this.#destination.destroy();
  }

  #tellDropped(): void {
    const dropped = this.#droppedCount - this.#toldCount;
    if (dropped === 0) return;
    this.#toldCount = this.#droppedCount;
    this.onFlowing(dropped);
  }
}
