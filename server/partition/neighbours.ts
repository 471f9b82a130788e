/** A partition that an instance carries, or is about to carry or to leave. */
export type Carriage = {
  /** From 0. */
  partition: number;
  /** Number of the carrier: whoever has the higher one has the partition. */
  epoch: number;
  state: "adopting" | "carried" | "leaving";
  /** Since when it has been in this state, by the wall clock of the instance that says so. */
  sinceMs: number;
};

/** What an instance says of itself to the others. */
export type Bulletin = {
  /** From 0. */
  instance: number;
  /** Random, the same for as long as the process lives: another one is another process. */
  life: string;
  /** For how long the process has been serving. */
  upMs: number;
  /** It is about to stop, and takes no partition any more. */
  isLeaving: boolean;
  carries: readonly Carriage[];
};

/**
 * What is known of another instance:
 *
 *   unknown   nothing yet
 *   up        it has said something within the last second
 *   silent    it has not, and its address does not refuse either: it may be stopped, and go on at any time
 *   down      its address refuses: nobody is there
 */
export type Standing = "unknown" | "up" | "silent" | "down";

/** The other instances, as far as is known here. */
export interface Neighbours {
  /** Their numbers, from 0, as they are now: they may come and go. */
  readonly others: readonly number[];
  /** One that is gone is down. */
  standing(instance: number): Standing;
  /** The last one heard; undefined before the first and once it is down. */
  bulletin(instance: number): Bulletin | undefined;
  /**
   * Called after every change of a standing or of what a bulletin says; that an instance has been up for longer is
   * none. There is one listener.
   */
  onChange(listener: () => void): void;
  /** What is told to the others from now on: at once, and as a heartbeat. Called once. */
  publish(bulletin: () => Bulletin): void;
  /** The bulletin has changed: the others are told now. */
  tell(): void;
  /** Asks an instance to read along a partition that is about to be left to it; true once it has caught up. */
  askToFollow(instance: number, partition: number): Promise<boolean>;
}
