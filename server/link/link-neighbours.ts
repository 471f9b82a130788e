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
import type { Roster } from "./roster.ts";
import { RosterMap } from "./roster-map.ts";

/** Partitions that one instance is asked to read along at a time: each question keeps a connection. */
const FOLLOWS_MAX = 2;

export type LinkNeighboursOptions = { roster: Roster; names: NameLookup; time: Time };

/** One other instance. */
type Other = {
  address: Address;
  neighbour: Neighbour;
  /** For questions that take long. */
  places: Places;
  /** It is in the roster no more, or nothing is asked any more. */
  closing: AbortController;
};

/**
 * The other instances over the instance link: a standing stream of bulletins from each, and `board` for theirs from
 * here, which the link's listener serves.
 */
export class LinkNeighbours implements Neighbours {
  readonly board: BulletinBoard;
  readonly #options: LinkNeighboursOptions;
  readonly #others: RosterMap<Other>;
  #listener: () => void = () => {};

  /** Begins to listen to the others. */
  constructor(options: LinkNeighboursOptions, logger: Logger) {
    const { roster, time } = options;
    this.#options = options;
    this.board = new BulletinBoard(time);
    this.#others = new RosterMap<Other>(roster, {
      open: (instance, address) => this.#open(instance, address, logger),
      close: ({ neighbour, closing }) => {
        neighbour.close();
        closing.abort();
      },
    });
    roster.onChange(() => this.#listener());
  }

  get others(): number[] {
    return this.#others.keys();
  }

  standing(instance: number): Standing {
    return this.#others.get(instance)?.neighbour.standing ?? "down";
  }

  bulletin(instance: number): Bulletin | undefined {
    return this.#others.get(instance)?.neighbour.bulletin;
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
    const { names, time } = this.#options;
    const other = this.#others.get(instance);
    if (other === undefined) return false;
    const { address, places, closing } = other;
    const { signal } = closing;
    if (!(await places.take(signal))) return false;
    try {
      return !signal.aborted && (await askToFollow(address, names, partition, time, signal));
    } finally {
      places.give();
    }
  }

  /** Nothing is heard or told from now on; whoever waits for an answer has none. */
  close(): void {
    this.#listener = () => {};
    this.board.close();
    this.#others.close();
  }

  #open(instance: number, address: Address, logger: Logger): Other {
    const { names, time } = this.#options;
    const open = (events: StreamEvents) => new BulletinStream(instance, address, names, events);
    const neighbour = new Neighbour({ instance, open, time, logger, onChange: () => this.#listener() });
    return { address, neighbour, places: new Places(FOLLOWS_MAX), closing: new AbortController() };
  }
}
