import { write, writeSync } from "node:fs";
import type { DestinationStream } from "pino";

/**
 * Bytes gathered before a write, and most bytes in one. Linux's PIPE_BUF: a pipe takes so many at once or none of them,
 * so that whoever opens it anew never begins in the middle of a line.
 */
const CHUNK_BYTES = 4096;
/** What is gathered is written after this time at the latest. */
const FLUSH_INTERVAL_MS = 200;
/** Beyond this a slow or absent reader costs lines, not memory. */
const QUEUED_BYTES_MAX = 1 << 20;
/**
 * Once lines are dropped, so many bytes must be left at most before others are taken: a gap is one gap, and told once.
 */
const QUEUED_BYTES_AGAIN = QUEUED_BYTES_MAX / 2;
/** Between two tries at an output that takes nothing; doubled from one to the other. */
const RETRY_MS_MIN = 10;
const RETRY_MS_MAX = 200;
/** How long the end of the process waits for whoever reads the log. */
const LAST_FLUSH_MS = 500;
const LAST_RETRY_MS = 10;

/**
 * The standard output, written in the background and never waited for.
 *
 *   idle ──a chunk is full, or it is time──► writing ──taken──► idle
 *                                            ▲    │ refused
 *                                       time └─ waiting
 *
 * It is refused when the reader is slow (EAGAIN), when there is none (EPIPE; a FIFO may get another), and when the disk
 * is full. In all of these cases the lines are kept, up to a megabyte, and tried again; those that find no room are
 * dropped and counted. pino's own destination does not do for this: after one EPIPE it throws every line away and
 * counts none.
 */
export class LogOutput implements DestinationStream {
  /** Called once lines flow again after some were dropped, with their number. */
  onFlowing: (droppedCount: number) => void = () => {};
  readonly #fd: number;
  /** What is left of a chunk that was begun: it goes first. */
  readonly #rests: Buffer[] = [];
  /** Whole lines, gathered. */
  readonly #chunks: string[] = [];
  #lastChunkBytes = 0;
  /** Of rests and chunks, and of what is being written. */
  #queuedBytes = 0;
  #state: "idle" | "writing" | "waiting" = "idle";
  #timer: NodeJS.Timeout | undefined;
  #retryMs = RETRY_MS_MIN;
  #isDropping = false;
  #isClosed = false;
  #droppedCount = 0;
  #toldCount = 0;

  /** Node.js makes a pipe or socket non-blocking when it looks at it: full, it says so, instead of keeping a thread. */
  constructor(fd: number = process.stdout.fd) {
    this.#fd = fd;
  }

  /** Lines lost so far. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Takes one line, or counts it as dropped. */
  write(line: string): void {
    const bytes = this.#isDropping ? 0 : Buffer.byteLength(line);
    if (this.#isDropping || this.#queuedBytes + bytes > QUEUED_BYTES_MAX) {
      this.#isDropping = true;
      this.#droppedCount++;
      return;
    }
    const fits = this.#chunks.length > 0 && this.#lastChunkBytes + bytes <= CHUNK_BYTES;
    if (fits) this.#chunks[this.#chunks.length - 1] += line;
    else this.#chunks.push(line);
    this.#lastChunkBytes = fits ? this.#lastChunkBytes + bytes : bytes;
    this.#queuedBytes += bytes;
    this.#goOn();
  }

  /** For the end of the process: writes what is queued, as far as it is taken within half a second. */
  flushSync(): void {
    const giveUpAtMs = performance.now() + LAST_FLUSH_MS;
    const stateBefore = this.#state;
    // A thread has the chunk before, and finishes it whatever happens here; with this it is nearly always the first.
    if (stateBefore === "writing") sleepSync(LAST_RETRY_MS);
    this.#state = "writing";
    for (let chunk = this.#take(); chunk !== undefined; chunk = this.#take()) {
      try {
        this.#wrote(chunk, writeSync(this.#fd, chunk));
      } catch (error) {
        this.#rests.unshift(chunk);
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || performance.now() > giveUpAtMs) break;
        sleepSync(LAST_RETRY_MS);
      }
    }
    this.#state = stateBefore;
  }

  /** Writes out what is queued, and stops; nothing may be written after it. */
  close(): void {
    this.flushSync();
    clearTimeout(this.#timer);
    this.#isClosed = true;
  }

  /** Writes if there is enough to write, or else later; leaves alone what is under way. */
  #goOn(): void {
    if (this.#state !== "idle" || this.#isClosed || this.#queuedBytes === 0) return;
    if (this.#queuedBytes >= CHUNK_BYTES || this.#rests.length > 0) this.#writeChunk();
    else this.#timer ??= setTimeout(this.#writeChunk, FLUSH_INTERVAL_MS);
  }

  readonly #writeChunk = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#state = "idle";
    const chunk = this.#take();
    if (chunk === undefined) return;
    this.#state = "writing";
    write(this.#fd, chunk, (error, count) => {
      if (this.#isClosed) return;
      this.#state = "idle";
      if (error) this.#refused(chunk);
      else this.#wrote(chunk, count);
      this.#goOn();
    });
  };

  #take(): Buffer | undefined {
    const rest = this.#rests.shift();
    if (rest !== undefined) return rest;
    const chunk = this.#chunks.shift();
    return chunk === undefined ? undefined : Buffer.from(chunk);
  }

  #wrote(chunk: Buffer, count: number): void {
    this.#queuedBytes -= count;
    this.#retryMs = RETRY_MS_MIN;
    if (count < chunk.length) this.#rests.unshift(chunk.subarray(count));
    if (!this.#isDropping || this.#queuedBytes > QUEUED_BYTES_AGAIN) return;
    this.#isDropping = false;
    const gapCount = this.#droppedCount - this.#toldCount;
    this.#toldCount = this.#droppedCount;
    this.onFlowing(gapCount);
  }

  #refused(chunk: Buffer): void {
    this.#rests.unshift(chunk);
    this.#state = "waiting";
    this.#timer = setTimeout(this.#writeChunk, this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }
}

function sleepSync(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
