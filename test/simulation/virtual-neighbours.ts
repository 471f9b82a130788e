import { saysTheSame } from "../../server/link/bulletin-lines.ts";
import type { Bulletin, Neighbours, Standing } from "../../server/partition/neighbours.ts";
import type { BulletinStreams } from "./bulletin-streams.ts";
import type { LinkCalls } from "./link-calls.ts";
import type { Process } from "./process.ts";

const HEARTBEAT_MS = 200;
/** See askToFollow in server/link/follow-call.ts. */
const FOLLOW_TIMEOUT_MS = 10_000;

/** What a process has heard of another instance. */
type Heard = {
  standing: Standing;
  bulletin: Bulletin | undefined;
  atMs: number;
  /** Whom it reads there. */
  author: VirtualNeighbours | undefined;
  /** What comes from there comes in order. */
  arrivesAtMs: number;
};

export type VirtualNeighboursParts = {
  process: Process;
  instanceCount: number;
  streams: BulletinStreams;
  calls: LinkCalls;
  /** Something has changed in what this process says of itself. */
  onTell: () => void;
};

/** The other instances as one process sees them: LinkNeighbours without its connections. */
export class VirtualNeighbours implements Neighbours {
  others: readonly number[];
  readonly process: Process;
  /** Why it says nothing: it is stopped, its words get lost. */
  muteCount = 0;
  muteSinceMs = 0;
  readonly #parts: VirtualNeighboursParts;
  readonly #heard: Heard[];
  #bulletin: (() => Bulletin) | undefined;
  #listener: () => void = () => {};

  constructor(parts: VirtualNeighboursParts) {
    this.#parts = parts;
    this.process = parts.process;
    const instances = Array.from({ length: parts.instanceCount }, (_, instance) => instance);
    this.others = instances.filter((instance) => instance !== this.instance);
    this.#heard = instances.map(() => {
      return { standing: "unknown", bulletin: undefined, atMs: 0, author: undefined, arrivesAtMs: 0 };
    });
  }

  get instance(): number {
    return this.process.instance;
  }

  /** These are the instances from here on, this one among them or not. */
  follow(instances: readonly number[]): void {
    const others = instances.filter((instance) => instance !== this.instance).sort((a, b) => a - b);
    if (others.join() === this.others.join()) return;
    this.others = others;
    this.process.world.hasSettled = true;
    this.#listener();
  }

  standing(instance: number): Standing {
    if (!this.others.includes(instance)) return "down";
    return this.#heard[instance]!.standing;
  }

  /** With the heartbeats that have come since. */
  bulletin(instance: number): Bulletin | undefined {
    if (!this.others.includes(instance)) return undefined;
    const { bulletin, atMs, author } = this.#heard[instance]!;
    if (!bulletin || !author || author.isMute || author.process.isOver) return bulletin;
    const sinceMs = this.process.monotonicMs() - atMs;
    return { ...bulletin, upMs: bulletin.upMs + sinceMs - (sinceMs % HEARTBEAT_MS) };
  }

  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  publish(bulletin: () => Bulletin): void {
    this.#bulletin = bulletin;
  }

  tell(): void {
    if (this.process.isOver) return;
    this.#parts.onTell();
    this.#parts.streams.told(this);
  }

  async askToFollow(instance: number, partition: number): Promise<boolean> {
    const { calls } = this.#parts;
    const answer = await calls.call<boolean>(this.process, instance, FOLLOW_TIMEOUT_MS, ({ custody }, tell) => {
      return custody.follow(partition).then(tell);
    });
    return answer === true;
  }

  /** What it says of itself. */
  get word(): Bulletin | undefined {
    return this.#bulletin?.();
  }

  get isMute(): boolean {
    return this.muteCount > 0;
  }

  reads(author: VirtualNeighbours): boolean {
    return this.#heard[author.instance]!.author === author;
  }

  /** When something from there arrives that could at `atMs`. */
  arrivalMs({ instance }: VirtualNeighbours, atMs: number): number {
    const heard = this.#heard[instance]!;
    heard.arrivesAtMs = Math.max(heard.arrivesAtMs, atMs);
    return heard.arrivesAtMs;
  }

  connected(author: VirtualNeighbours): void {
    this.#heard[author.instance]!.author = author;
  }

  hear(author: VirtualNeighbours, bulletin: Bulletin): void {
    if (!this.reads(author)) return;
    const heard = this.#heard[author.instance]!;
    const isNews = heard.bulletin === undefined || !saysTheSame(heard.bulletin, bulletin);
    heard.bulletin = bulletin;
    heard.atMs = this.process.monotonicMs();
    this.#stands(heard, "up", isNews);
  }

  isSilent(author: VirtualNeighbours): void {
    if (this.reads(author)) this.#stands(this.#heard[author.instance]!, "silent");
  }

  isDown(instance: number): void {
    const heard = this.#heard[instance]!;
    heard.bulletin = undefined;
    heard.author = undefined;
    this.#stands(heard, "down");
  }

  #stands(heard: Heard, standing: Standing, hasNews = false): void {
    const isOther = heard.standing !== standing;
    heard.standing = standing;
    if (!isOther && !hasNews) return;
    this.process.world.hasSettled = true;
    this.#listener();
  }
}
