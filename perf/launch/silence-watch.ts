import { setTimeout as sleep } from "node:timers/promises";

/** Who is watched: a child that should be answering. */
export type Watched = {
  readonly state: string;
  readonly pid: number | undefined;
};

export type SilenceOptions = {
  /** 0: nobody is watched. */
  readonly silenceMs: number;
  /** Between two questions; the answer may take as long as the question says itself. */
  readonly intervalMs?: number;
  /** Whether it says anything at all. Never rejects; resolves soon after the signal is aborted. */
  ask(signal: AbortSignal): Promise<boolean>;
  onSilence(pid: number, silentMs: number): void;
};

const INTERVAL_MS = 1000;
/**
 * A round that took longer than this was held up on our side: this process was suspended, or the machine asleep. Only
 * so much of it counts as silence of theirs.
 */
const ROUND_MS_MAX = 3000;

/**
 * Asks a running child again and again, and tells when it has said nothing for `silenceMs`: somebody has stopped it, or
 * it is caught in an endless loop. One that is merely busy answers before that.
 */
export class SilenceWatch {
  readonly #options: SilenceOptions;
  readonly #watched: Watched;
  readonly #closing = new AbortController();
  readonly #loop: Promise<void>;

  constructor(watched: Watched, options: SilenceOptions) {
    this.#watched = watched;
    this.#options = options;
    this.#loop = options.silenceMs > 0 ? this.#watch() : Promise.resolve();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#loop;
  }

  async #watch(): Promise<void> {
    const { silenceMs, intervalMs = Math.min(INTERVAL_MS, silenceMs / 4), ask, onSilence } = this.#options;
    const { signal } = this.#closing;
    let life: number | undefined;
    let silentMs = 0;
    for (;;) {
      const beganAtMs = performance.now();
      await sleep(intervalMs, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      const pid = this.#pidOfRunning();
      const hasAnswered = pid === undefined || (await ask(signal));
      if (signal.aborted) return;
      // A process that has taken another's place meanwhile begins anew.
      if (hasAnswered || pid !== life || pid !== this.#pidOfRunning()) silentMs = 0;
      else silentMs += Math.min(performance.now() - beganAtMs, ROUND_MS_MAX);
      life = pid;
      if (pid === undefined || silentMs < silenceMs) continue;
      onSilence(pid, silentMs);
      silentMs = 0;
    }
  }

  #pidOfRunning(): number | undefined {
    return this.#watched.state === "running" ? this.#watched.pid : undefined;
  }
}
