import { Life, type LifeEnd, type LifeParts } from "./life.ts";
import { KillFault } from "./process-disk.ts";
import type { Listener } from "./virtual-link.ts";

/** A start that fails, and a process whose journal is broken, are started again by whoever watches. */
const START_AGAIN_MS = 200;

export type HostParts = Omit<LifeParts, "kill" | "listens" | "onEnd">;

/** A place that one instance runs at, life after life. */
export class Host {
  /** Of the life that goes on, from its start on. */
  life: Life | undefined;
  /** A second process of the same instance, which is not there for long. */
  second: Life | undefined;
  /** For how long a kill in a disk operation, or SIGTERM, keeps the instance down. */
  downMs = 0;
  startCount = 0;
  brokenCount = 0;
  takeOverCount = 0;
  handOverCount = 0;
  readonly killFault = new KillFault();
  readonly #parts: HostParts;

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  get instance(): number {
    return this.#parts.instance;
  }

  /** The life that takes payments. */
  get serving(): Life | undefined {
    return this.life?.isServing ? this.life : undefined;
  }

  /** Its processes. */
  get lives(): readonly Life[] {
    return [this.life, this.second].filter((life) => life !== undefined);
  }

  /** What the others' monitors reach. */
  get listener(): Listener {
    const { process, healthLink } = this.life ?? {};
    return process && healthLink ? { process, handlers: healthLink } : undefined;
  }

  start(): void {
    if (this.life) return;
    this.#note("starts");
    this.startCount++;
    const life: Life = new Life({
      ...this.#parts,
      kill: this.killFault,
      listens: true,
      onEnd: (why) => this.#ended(life, why),
    });
    this.life = life;
    life.start();
  }

  kill(downMs: number): void {
    const { life } = this;
    if (!life) return;
    this.#note("is killed");
    this.#end(life);
    this.#parts.world.clock.after(downMs, () => this.start());
  }

  /** SIGTERM; it is started again once it has ended. */
  leave(downMs: number): void {
    if (!this.life) return;
    this.#note("is to leave");
    this.downMs = downMs;
    this.life.leave();
  }

  /** SIGSTOP, and SIGCONT after `forMs`. */
  stop(forMs: number): void {
    const { life } = this;
    if (!life || life.process.isStopped) return;
    this.#note("is stopped");
    life.process.stop();
    this.#parts.streams.mute(life.neighbours);
    this.#parts.world.clock.after(forMs, () => this.goOn(life));
  }

  goOn(life = this.life): void {
    if (!life?.process.isStopped || life.process.isOver) return;
    life.process.goOn();
    this.#parts.streams.unmute(life.neighbours);
  }

  /** What it says of itself does not reach the others. */
  mute(forMs: number): void {
    const { life } = this;
    if (!life) return;
    this.#parts.streams.mute(life.neighbours);
    this.#parts.world.clock.after(forMs, () => this.#parts.streams.unmute(life.neighbours));
  }

  /** Somebody starts it a second time while it is there: it cannot have its addresses, so it ends again. */
  startTwice(): void {
    if (!this.serving || this.second) return;
    this.#note("is started twice");
    const second: Life = new Life({
      ...this.#parts,
      kill: new KillFault(),
      listens: false,
      onEnd: () => this.endSecond(),
      onStarted: () => second.leave(),
    });
    this.second = second;
    second.start();
  }

  endSecond(): void {
    this.second?.process.end();
    this.second = undefined;
  }

  #ended(life: Life, why: LifeEnd): void {
    if (life !== this.life) return;
    this.#note(why);
    if (why === "broken") this.brokenCount++;
    this.#end(life);
    const downMs = why === "killed" || why === "left" ? this.downMs : START_AGAIN_MS;
    this.#parts.world.clock.after(downMs, () => this.start());
  }

  #end(life: Life): void {
    life.noteTime();
    this.takeOverCount += life.custody?.takeOverCount ?? 0;
    this.handOverCount += life.custody?.handOverCount ?? 0;
    life.process.end();
    this.life = undefined;
  }

  #note(what: string): void {
    this.#parts.world.note(() => `instance ${this.instance} ${what}`);
  }
}
