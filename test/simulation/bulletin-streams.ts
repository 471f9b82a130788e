import type { VirtualNeighbours } from "./virtual-neighbours.ts";
import type { World } from "./world.ts";

/** Whoever says nothing for so long is silent: see Neighbour. */
const SILENT_AFTER_MS = 1000;
/** From a refusal to the next attempt to connect. */
const RECONNECT_MS = 50;

/**
 * The standing streams by which instances say of themselves which partitions they carry: who reads whom, what is on its
 * way, and who says nothing. Heartbeats are no events here: that one is missing is one.
 */
export class BulletinStreams {
  /** How much later than usual a bulletin may come. */
  lateMsMax = 0;
  readonly #world: World;
  /** By instance, whose bulletins are read. */
  readonly #authors: (VirtualNeighbours | undefined)[] = [];
  readonly #readers = new Set<VirtualNeighbours>();

  constructor(world: World) {
    this.#world = world;
  }

  /** A process begins to read, and to be read unless its address is taken. */
  open(own: VirtualNeighbours, isRead: boolean): void {
    if (isRead) {
      this.#authors[own.instance] = own;
      for (const reader of this.#readers) this.#connect(reader, own, RECONNECT_MS);
    }
    this.#readers.add(own);
    for (const instance of this.#othersOf(own)) {
      const author = this.#authors[instance];
      if (author) this.#connect(own, author, 0);
      else own.process.later(this.#world.latencyMs(), () => this.#authors[instance] ?? own.isDown(instance));
    }
    own.process.onEnd(() => this.#closed(own));
  }

  #othersOf({ instance: own }: VirtualNeighbours): number[] {
    const { instanceCount } = this.#world.settings;
    return Array.from({ length: instanceCount }, (_, instance) => instance).filter((instance) => instance !== own);
  }

  /** What it says now goes to all who read it. */
  told(author: VirtualNeighbours): void {
    if (author.isMute) return;
    for (const reader of this.#readers) if (reader.reads(author)) this.#send(author, reader);
  }

  /** It says nothing from now on: it is stopped, or its words get lost. To be taken back by `unmute`. */
  mute(author: VirtualNeighbours): void {
    if (author.muteCount++ > 0) return;
    author.muteSinceMs = this.#world.clock.nowMs;
    for (const reader of this.#readers) if (reader.reads(author)) this.#watch(author, reader);
  }

  unmute(author: VirtualNeighbours): void {
    if (--author.muteCount === 0) this.told(author);
  }

  #connect(reader: VirtualNeighbours, author: VirtualNeighbours, delayMsMax: number): void {
    if (reader.instance === author.instance) return;
    const delayMs = this.#world.latencyMs() + this.#world.random.below(delayMsMax + 1);
    reader.process.later(delayMs, () => {
      if (author.process.isOver || this.#authors[author.instance] !== author) return;
      reader.connected(author);
      if (author.isMute) this.#watch(author, reader);
      else this.#send(author, reader);
    });
  }

  #send(author: VirtualNeighbours, reader: VirtualNeighbours): void {
    const { clock, random } = this.#world;
    const lateMs = this.lateMsMax === 0 ? 0 : random.below(this.lateMsMax);
    const bulletin = author.word;
    const atMs = reader.arrivalMs(author, clock.nowMs + this.#world.latencyMs() + lateMs);
    if (bulletin) reader.process.later(atMs - clock.nowMs, () => reader.hear(author, bulletin));
  }

  /** Looks whether anything has been said by the time that is silence. */
  #watch(author: VirtualNeighbours, reader: VirtualNeighbours): void {
    const { muteSinceMs } = author;
    reader.process.later(SILENT_AFTER_MS + this.#world.latencyMs(), () => {
      if (author.isMute && author.muteSinceMs === muteSinceMs && !author.process.isOver) reader.isSilent(author);
    });
  }

  #closed(own: VirtualNeighbours): void {
    this.#readers.delete(own);
    if (this.#authors[own.instance] !== own) return;
    this.#authors[own.instance] = undefined;
    for (const reader of this.#readers) {
      if (reader.instance === own.instance) continue;
      const { clock } = this.#world;
      const atMs = reader.arrivalMs(own, clock.nowMs + this.#world.latencyMs());
      reader.process.later(atMs - clock.nowMs, () => this.#authors[own.instance] ?? reader.isDown(own.instance));
    }
  }
}
