/** What an instance says of a partition that it has. */
export type Carriage = {
  partition: number;
  /** 0 while it is not known. */
  epoch: number;
  state: "adopting" | "carried" | "leaving";
  /** By the wall clock. */
  sinceMs: number;
};

/** What an instance says of itself to the others. */
export type Bulletin = {
  instance: number;
  /** Of the process: another one after every start. */
  life: string;
  upMs: number;
  isLeaving: boolean;
  carries: readonly Carriage[];
};

export type Standing = "unknown" | "up" | "silent" | "down";

export interface Neighbours {
  readonly others: readonly number[];
  standing(instance: number): Standing;
  bulletin(instance: number): Bulletin | undefined;
  onChange(listener: () => void): void;
  publish(bulletin: () => Bulletin): void;
  tell(): void;
  askToFollow(instance: number, partition: number): Promise<boolean>;
}
