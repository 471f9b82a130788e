import { type Logger, pino } from "pino";
import { LogOutput } from "./log-output.ts";
import { redactLine } from "./log-redaction.ts";

export const LOG_LEVELS: readonly string[] = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/** JSON lines on stdout, one object a line, written in the background. */
export class Log {
  readonly logger: Logger;
  /** Whether lines of these levels are wanted now: hot paths look here before they put a line together. */
  isInfo = false;
  isDebug = false;
  readonly #output: LogOutput;
  readonly #configuredLevel: string;

  /** `instance` from 0. */
  constructor(level: string, instance: number, output = new LogOutput()) {
    this.#output = output;
    this.#configuredLevel = level;
    this.logger = pino(
      {
        level,
        base: { instance: instance + 1 },
        hooks: { streamWrite: redactLine },
      },
      output,
    );
    this.#noteLevel();
    output.onFlowing = (count) =>
      this.logger.warn({ count }, "log lines were dropped, because they were not read in time");
  }

  /** One of LOG_LEVELS. */
  get level(): string {
    return this.logger.level;
  }

  set level(level: string) {
    this.logger.level = level;
    this.#noteLevel();
  }

  get configuredLevel(): string {
    return this.#configuredLevel;
  }

  /** Lines lost so far because nobody read them in time. */
  get droppedCount(): number {
    return this.#output.droppedCount;
  }

  /** Debug, or back to the configured level; from a configured debug or trace to info and back. */
  toggle(): void {
    const other = this.#configuredLevel === "debug" || this.#configuredLevel === "trace" ? "info" : "debug";
    this.level = this.level === this.#configuredLevel ? other : this.#configuredLevel;
    this.logger.warn({ level: this.level }, "log level changed by signal");
  }

  /** Writes out what is buffered, and stops. */
  close(): void {
    this.#output.close();
  }

  #noteLevel(): void {
    this.isInfo = this.logger.isLevelEnabled("info");
    this.isDebug = this.logger.isLevelEnabled("debug");
  }
}
