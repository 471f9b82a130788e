import { type DestinationStream, type Logger, pino } from "pino";

/** Bytes gathered before a write to stdout; a quieter log is flushed by the timer below. */
const BUFFER_BYTES = 4096;
/** Beyond this a slow reader of stdout costs lines, not memory. */
const BUFFER_BYTES_MAX = 1 << 20;
const FLUSH_INTERVAL_MS = 200;

export type Log = {
  logger: Logger;
  /** Writes out what is buffered and stops the timer. */
  close(): void;
};

/** JSON lines on stdout, one object a line, written in the background. */
export function openLog(level: string, instance: number): Log {
  const destination = pino.destination({ fd: 1, sync: false, minLength: BUFFER_BYTES, maxLength: BUFFER_BYTES_MAX });
  const logger = pino({ level, base: { instance: instance + 1 } }, destination as DestinationStream);
  const timer = setInterval(() => destination.flush(), FLUSH_INTERVAL_MS);
  return {
    logger,
    close: () => {
      clearInterval(timer);
      try {
        destination.flushSync();
      } catch {
        // The reader of stdout is gone; there is nobody left to tell.
      }
    },
  };
}
