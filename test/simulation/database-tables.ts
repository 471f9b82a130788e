import type { Checkpoint, CheckpointHead, Chunk, Member, Owner, RestoredSince } from "../../server/lease/database.ts";

/** A row is never changed, only replaced. */
export type PartitionRow = {
  owner: Owner | undefined;
  epoch: number;
  /** Number of the next record. */
  head: number;
  capacity: number;
  checkpoint: Checkpoint | undefined;
  restored: RestoredSince | undefined;
  /** Why nobody may claim it. */
  haltedBecause: string | undefined;
};

export type CheckpointRow = CheckpointHead & {
  epoch: number;
  slices: ReadonlyMap<number, Uint8Array>;
};

/** What one server of the database has, as whoever reads there sees it. */
export class DatabaseTables {
  /** By the instance's number. */
  readonly members = new Map<number, Member>();
  readonly partitions: PartitionRow[];
  /** By partition, in their order. */
  readonly chunks: Chunk[][];
  /** By partition, by epoch. */
  readonly names: Map<number, readonly string[]>[];
  /** By partition, by number: those that are being written, too. */
  readonly checkpoints: Map<number, CheckpointRow>[];

  constructor(partitionCount: number) {
    const each = <T>(make: () => T): T[] => Array.from({ length: partitionCount }, make);
    this.partitions = each(() => {
      return {
        owner: undefined,
        epoch: 0,
        head: 0,
        capacity: 0,
        checkpoint: undefined,
        restored: undefined,
        haltedBecause: undefined,
      };
    });
    this.chunks = each(() => []);
    this.names = each(() => new Map());
    this.checkpoints = each(() => new Map());
  }

  memberOf(life: string): Member | undefined {
    for (const member of this.members.values()) if (member.life === life) return member;
    return undefined;
  }

  copy(): DatabaseTables {
    const copy = new DatabaseTables(0);
    for (const [number, member] of this.members) copy.members.set(number, member);
    copy.partitions.push(...this.partitions);
    copy.chunks.push(...this.chunks.map((chunks) => [...chunks]));
    copy.names.push(...this.names.map((names) => new Map(names)));
    copy.checkpoints.push(...this.checkpoints.map((checkpoints) => new Map(checkpoints)));
    return copy;
  }
}

/** What a transaction does to the tables, of the primary and then of a standby. */
export type Change = (tables: DatabaseTables) => void;

export function setPartition(partition: number, row: PartitionRow): Change {
  return (tables) => {
    tables.partitions[partition] = row;
  };
}
