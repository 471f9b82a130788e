import { setTimeout as sleep } from "node:timers/promises";
import { ChildLife, type Command, type LifeEnd, type OutputStream } from "./child-life.ts";
import { LogTail } from "./log-tail.ts";

/**
 *               ready             died                 delay is over
 *   starting ──────────► running ──────► waiting ─────────────────────► starting
 *      │                    │              │
 *      └──── stop() ────────┴──────────────┴──► stopping ──► stopped ── start() ──► starting
 */
export type ChildState = "starting" | "running" | "waiting" | "stopping" | "stopped";

export type ChildPlan<Name extends string = string> = {
  readonly name: Name;
  readonly command: Command;
  readonly stopSignal: NodeJS.Signals;
  readonly stopTimeoutMs: number;
  readonly readyTimeoutMs: number;
  /** Before every start: clears away what a predecessor that was killed left behind. */
  prepare(): void;
  isReady(): Promise<boolean>;
};

export type ChildExit<Name extends string = string> = LifeEnd & {
  readonly name: Name;
  /** Undefined if it could not even be spawned. */
  readonly pid: number | undefined;
  /** Asked for by stop or restart. */
  readonly isExpected: boolean;
};

/** All are called synchronously and must not throw. */
export type ChildHooks<Name extends string = string> = {
  /** Right after every spawn: the place to put the process into a cgroup. */
  onSpawn?(name: Name, pid: number): void;
  onReady?(name: Name, pid: number, startMs: number): void;
  onExit?(exit: ChildExit<Name>): void;
  /** After an unexpected exit that will be followed by a start. */
  onRestart?(exit: ChildExit<Name>, delayMs: number): void;
  /** After `silentMs` without an answer, right before it is ended by force. */
  onSilence?(name: Name, pid: number, silentMs: number): void;
  onLine?(name: Name, stream: OutputStream, line: string): void;
};

const READY_POLL_MS = 15;
const RESTART_DELAY_MS_MIN = 100;
const RESTART_DELAY_MS_MAX = 5000;
/** A child that was up for so long is no longer one that keeps dying. */
const CALM_MS = 2000;
const ERROR_LINES_MAX = 12;

/** At once, then 100 ms doubling up to 5 s. `deathCount` counts from 1. */
export function restartDelayMs(deathCount: number): number {
  return deathCount <= 1 ? 0 : Math.min(RESTART_DELAY_MS_MIN * 2 ** (deathCount - 2), RESTART_DELAY_MS_MAX);
}

/** One child process that is kept running until it is told to stop. */
export class SupervisedChild<Name extends string = string> {
  autoRestart = true;
  readonly #plan: ChildPlan<Name>;
  readonly #hooks: ChildHooks<Name>;
  readonly #tail = new LogTail();
  #state: ChildState = "stopped";
  #life: ChildLife | null = null;
  #stopping: Promise<void> | null = null;
  /** The first start reports its failure to the caller; only what was running once is started again by itself. */
  #wasRunning = false;
  #restartTimer: NodeJS.Timeout | undefined;
  #deathCount = 0;
  #readyAtMs = 0;
  #waiters: { resolve(): void; reject(error: Error): void }[] = [];

  constructor(plan: ChildPlan<Name>, hooks: ChildHooks<Name> = {}) {
    this.#plan = plan;
    this.#hooks = hooks;
  }

  get name(): Name {
    return this.#plan.name;
  }

  get state(): ChildState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#life?.pid;
  }

  logTail(): string[] {
    return this.#tail.lines();
  }

  /** Resolves when the child is ready. If it fails, nothing of it is left running. */
  async start(): Promise<void> {
    if (this.#state !== "stopped") throw new Error(`child must be stopped to start: ${this.#describe()}`);
    this.#wasRunning = false;
    this.#deathCount = 0;
    try {
      await this.#launch();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Resolves when the process is gone, by force if need be. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop().finally(() => {
      this.#stopping = null;
    });
    return this.#stopping;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** A lethal signal from outside, as far as the supervision is concerned. Resolves when the process is gone. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<LifeEnd> {
    const life = this.#requireLife();
    // Killed on purpose: no sign that it keeps dying, so the restart is immediate.
    this.#deathCount = 0;
    life.signal(signal);
    return await life.closed;
  }

  /** A signal that does not end the process, such as SIGSTOP and SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.#requireLife().signal(signal);
  }

  /** Resolves when the child is (again) running; rejects when it is stopped for good. */
  running(): Promise<void> {
    if (this.#state === "running") return Promise.resolve();
    if (this.#state === "stopped") return Promise.reject(this.#stoppedError());
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  async #launch(): Promise<void> {
    this.#state = "starting";
    const startedAtMs = performance.now();
    this.#plan.prepare();
    const life = new ChildLife(this.#plan.command, (stream, line) => {
      this.#tail.push(line);
      this.#hooks.onLine?.(this.name, stream, line);
    });
    this.#life = life;
    void life.closed.then((end) => this.#onClosed(life, end));
    if (life.pid !== undefined) this.#hooks.onSpawn?.(this.name, life.pid);

    try {
      await this.#untilReady(life, startedAtMs + this.#plan.readyTimeoutMs);
    } catch (error) {
      // Alive but not ready in time. By now `#life` may as well be a later one, which is none of our business.
      if (this.#life === life && this.#state === "starting") life.signal("SIGKILL");
      throw error;
    }
    this.#state = "running";
    this.#wasRunning = true;
    this.#readyAtMs = performance.now();
    this.#hooks.onReady?.(this.name, life.pid!, this.#readyAtMs - startedAtMs);
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  async #untilReady(life: ChildLife, deadlineMs: number): Promise<void> {
    for (;;) {
      // At first too: others that start at the same time are to be spawned before anybody is asked.
      await sleep(READY_POLL_MS);
      const isReady = await this.#plan.isReady();
      // The end is asked for last: somebody else may have answered in place of a dead child.
      if (life.end !== null) {
        throw this.#startError("child must stay up while starting", `code=${life.end.code} signal=${life.end.signal}`);
      }
      if (this.#state !== "starting") throw this.#stoppedError();
      if (isReady) return;
      if (performance.now() > deadlineMs) {
        throw this.#startError("child must be ready in time", `readyTimeoutMs=${this.#plan.readyTimeoutMs}`);
      }
    }
  }

  #onClosed(life: ChildLife, end: LifeEnd): void {
    const isExpected = this.#state === "stopping";
    const exit: ChildExit<Name> = { name: this.name, pid: life.pid, ...end, isExpected };
    this.#life = null;
    this.#hooks.onExit?.(exit);
    if (isExpected || !this.#wasRunning) return;
    if (this.autoRestart) this.#scheduleRestart(exit);
    else this.#settleStopped();
  }

  #scheduleRestart(exit: ChildExit<Name>): void {
    if (this.#state === "running" && performance.now() - this.#readyAtMs >= CALM_MS) this.#deathCount = 0;
    this.#deathCount++;
    this.#state = "waiting";
    const delayMs = restartDelayMs(this.#deathCount);
    this.#hooks.onRestart?.(exit, delayMs);
    this.#restartTimer = setTimeout(() => void this.#relaunch(), delayMs);
  }

  async #relaunch(): Promise<void> {
    try {
      await this.#launch();
    } catch (error) {
      // The end of the process schedules the next try.
      this.#tail.push(String(error));
    }
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#restartTimer);
    if (this.#life !== null) {
      this.#state = "stopping";
      await this.#life.stop(this.#plan.stopSignal, this.#plan.stopTimeoutMs);
    }
    this.#settleStopped();
  }

  #settleStopped(): void {
    this.#state = "stopped";
    for (const { reject } of this.#waiters.splice(0)) reject(this.#stoppedError());
  }

  #requireLife(): ChildLife {
    if (this.#life === null) throw new Error(`child must be alive to be signalled: ${this.#describe()}`);
    return this.#life;
  }

  #startError(rule: string, facts: string): Error {
    const lines = this.logTail().slice(-ERROR_LINES_MAX);
    const output = lines.length === 0 ? "no output" : `its last lines:\n  ${lines.join("\n  ")}`;
    return new Error(`${rule}: name=${this.name} ${facts}; ${output}`);
  }

  #stoppedError(): Error {
    return new Error(`child must not be stopped: name=${this.name}`);
  }

  #describe(): string {
    return `name=${this.name} state=${this.#state}`;
  }
}
