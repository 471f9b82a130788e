import { Life, type LifeParts } from "./life.ts";
import { Violation } from "./violation.ts";
import { VirtualDisk } from "./virtual-disk.ts";
import type { Listener } from "./virtual-link.ts";

/** A start that fails, and a process whose journal is broken, are started again by whoever watches. */
const START_AGAIN_MS = 200;

export type HostParts = Omit<LifeParts, "disk" | "onEnd">;

/** A machine that one instance runs on: its disk stays when the instance's life ends. */
export class Host {
  readonly disk = new VirtualDisk();
  /** Of the life that goes on, from its start on. */
  life: Life | undefined;
  /** For how long a kill in a disk operation keeps the instance down. */
  downMsOfKill = 0;
  startCount = 0;
  brokenCount = 0;
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

  /** What the others' monitors reach. */
  get listener(): Listener {
    const { process, polling } = this.life ?? {};
    return process && polling ? { process, handlers: polling } : undefined;
  }

  start(): void {
    if (this.life) return;
    this.#note("starts");
    this.startCount++;
    this.life = new Life({ ...this.#parts, disk: this.disk, onEnd: (why) => this.#ended(why) });
    this.life.start();
  }

  kill(downMs: number): void {
    const { life } = this;
    if (!life) return;
    this.#note("is killed");
    life.noteTime();
    life.process.end();
    this.life = undefined;
    this.#parts.world.clock.after(downMs, () => this.start());
  }

  losePower(downMs: number): void {
    this.kill(downMs);
    this.#note("loses power");
    this.disk.losePower(this.#parts.world.random);
  }

  /** SIGSTOP, and SIGCONT after `forMs`. */
  stop(forMs: number): void {
    const process = this.life?.process;
    if (!process) return;
    this.#note("is stopped");
    process.stop();
    this.#parts.world.clock.after(forMs, () => process.goOn());
  }

  /** Somebody starts it a second time while it is there. */
  startTwice(): void {
    if (!this.serving) return;
    this.#note("is started twice");
    const second: Life = new Life({
      ...this.#parts,
      disk: this.disk,
      onEnd: () => second.process.end(),
      onStarted: () => {
        this.#parts.world.violation ??= new Violation("a directory has one process", `instance=${this.instance}`);
      },
    });
    second.start();
  }

  #ended(why: "killed" | "broken" | "no start"): void {
    this.#note(why);
    if (why === "broken") this.brokenCount++;
    this.kill(why === "killed" ? this.downMsOfKill : START_AGAIN_MS);
  }

  #note(what: string): void {
    this.#parts.world.note(() => `instance ${this.instance} ${what}`);
  }
}
