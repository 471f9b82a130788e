import type { Logger } from "pino";
import type { Bulletin, Neighbours, Standing } from "../partition/neighbours.ts";
import type { Address } from "../system/address.ts";
import type { NameLookup } from "../system/name-lookup.ts";
import type { Time } from "../system/time.ts";
import { BulletinBoard } from "./bulletin-board.ts";
import { BulletinStream, type StreamEvents } from "./bulletin-stream.ts";
import { askToFollow } from "./follow-call.ts";
import { Neighbour } from "./neighbour.ts";
import { Places } from "./places.ts";

/** Partitions that one instance is asked to read along at a time: each question keeps a connection. */
const FOLLOWS_MAX = 2;

export type LinkNeighboursOptions = {
  /** Of all instances in order. */
  links: readonly Address[];
  /** The one that is no neighbour. */
  self: number;
  names: NameLookup;
  time: Time;
};

/**
 * The other instances over the instance link: a standing stream of bulletins from each, and `board` for theirs from
 * here, which the link's listener serves.
 */
export class LinkNeighbours implements Neighbours {
  readonly others: readonly number[];
  readonly board: BulletinBoard;
  readonly #options: LinkNeighboursOptions;
  readonly #neighbours: ReadonlyMap<number, Neighbour>;
  /** For questions that take long, by instance. */
  readonly #places: ReadonlyMap<number, Places>;
  readonly #closing = new AbortController();
  #listener: () => void = () => {};

  /** Begins to listen to the others. */
  constructor(options: LinkNeighboursOptions, logger: Logger) {
    const { links, self, names, time } = options;
    this.#options = options;
    this.board = new BulletinBoard(time);
    this.others = links.map((_, instance) => instance).filter((instance) => instance !== self);
    const onChange = (): void => this.#listener();
    const neighbourOf = (instance: number): Neighbour => {
      const address = links[instance]!;
      const open = (events: StreamEvents) => new BulletinStream(instance, address, names, events);
      return new Neighbour({ instance, open, time, logger, onChange });
    };
    this.#places = new Map(this.others.map((instance) => [instance, new Places(FOLLOWS_MAX)]));
    this.#neighbours = new Map(this.others.map((instance) => [instance, neighbourOf(instance)]));
  }

  standing(instance: number): Standing {
    return this.#neighbours.get(instance)!.standing;
  }

  bulletin(instance: number): Bulletin | undefined {
    return this.#neighbours.get(instance)!.bulletin;
  }

  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  publish(bulletin: () => Bulletin): void {
    this.board.publish(bulletin);
  }

  tell(): void {
    this.board.tell();
  }

  async askToFollow(instance: number, partition: number): Promise<boolean> {
    const { links, names, time } = this.#options;
    const { signal } = this.#closing;
    const places = this.#places.get(instance)!;
    if (signal.aborted || !(await places.take(signal))) return false;
    try {
      return !signal.aborted && (await askToFollow(links[instance]!, names, partition, time, signal));
    } finally {
      places.give();
    }
  }

  /** Nothing is heard or told from now on; whoever waits for an answer has none. */
  close(): void {
    this.#listener = () => {};
    this.#closing.abort();
    this.board.close();
    for (const neighbour of this.#neighbours.values()) neighbour.close();
  }
}
