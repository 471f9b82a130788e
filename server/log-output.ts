import { constants, fstatSync, openSync } from "node:fs";
import { Socket } from "node:net";
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
  readonly #descriptor: number;
  readonly #destination: Destination;
  readonly #timer: NodeJS.Timeout;
  #droppedCount = 0;
  #toldCount = 0;
  #giveUpAtMs = Number.POSITIVE_INFINITY;

  constructor(descriptor = 1) {
    this.#descriptor = openUnblocking(descriptor);
    this.#destination = pino.destination({
      fd: this.#descriptor,
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

/**
 * A pipe or socket that is full holds up its writer: a thread of the pool meanwhile, and the end of the process for good. So it is told not
 * to. A pipe is opened a second time for that, because the setting is shared with everybody who has the first descriptor; a socket
 * cannot be, and is its process's own as a rule. Whatever else the standard output is does not fill up.
 */
function openUnblocking(descriptor: number): number {
  try {
    const kind = fstatSync(descriptor);
    if (kind.isFIFO()) return openSync(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK);
    // libuv sets O_NONBLOCK on what it opens. The stream itself is not used.
    if (kind.isSocket()) new Socket({ fd: descriptor, readable: false, writable: true }).unref();
  } catch {
    // As it was, then.
  }
  return descriptor;
}
