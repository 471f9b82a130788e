import {
  type Append,
  type Census,
  type CheckpointHead,
  type CheckpointSize,
  type Chunk,
  type Claimant,
  type Claimed,
  HaltedError,
  type Member,
  type NewMember,
  NotDoneError,
  type Outline,
  type Raised,
  type Tenure,
} from "../../server/lease/database.ts";
import type { Change, DatabaseTables, PartitionRow } from "./database-tables.ts";
import { setPartition } from "./database-tables.ts";

/** A transaction. It holds what it locks from when it has all of it until it is committed. */
export type Statement<T> = {
  name: string;
  /** The rows, in the order in which they are locked; looked up when it arrives. */
  locks?: (tables: DatabaseTables) => readonly string[];
  /** Sees what is committed; what it changes is seen by others once it is. Throws what the client is told. */
  run: (tables: DatabaseTables) => { result: T; changes?: readonly Change[] };
  /** Whether or not its client is told. */
  onCommitted?(result: T): void;
};

export function join(member: NewMember): Statement<"joined" | Member> {
  return {
    name: "join",
    locks: () => [memberLock(member.number)],
    run: ({ members }) => {
      const there = members.get(member.number);
      if (there && there.life !== member.life) return { result: there };
      return { result: "joined", changes: [({ members }) => members.set(member.number, { ...member })] };
    },
  };
}

export function renew(
  life: string,
  renewal: string,
  standbys: () => Census["standbys"],
): Statement<Census | "expelled"> {
  return {
    name: "renew",
    locks: (tables) => memberLocks(tables, life),
    run: (tables) => {
      const member = tables.memberOf(life);
      if (!member) return { result: "expelled" };
      const renewed = { ...member, renewal };
      const members = [...tables.members.values()].map((other) => (other === member ? renewed : other));
      const owners = tables.partitions.map(({ owner }) => owner);
      const result = { members, owners, standbys: standbys() };
      return { result, changes: [({ members }) => members.set(member.number, renewed)] };
    },
  };
}

export function expel(life: string, renewal: string): Statement<boolean> {
  return {
    name: "expel",
    locks: (tables) => memberLocks(tables, life),
    run: (tables) => {
      const member = tables.memberOf(life);
      if (!member) return { result: true };
      if (member.renewal !== renewal) return { result: false };
      return { result: true, changes: [({ members }) => members.delete(member.number)] };
    },
  };
}

export function leave(life: string): Statement<void> {
  /** Seen when it arrived: what the life is given meanwhile stays its own. */
  let seen: number[] = [];
  return {
    name: "leave",
    locks: (tables) => {
      seen = tables.partitions.flatMap(({ owner }, partition) => (owner?.life === life ? [partition] : []));
      return [...memberLocks(tables, life), ...seen.map(partitionLock)];
    },
    run: (tables) => {
      const member = tables.memberOf(life);
      const owned = seen.filter((partition) => tables.partitions[partition]!.owner?.life === life);
      const changes: Change[] = owned.map((partition) => {
        return setPartition(partition, { ...tables.partitions[partition]!, owner: undefined });
      });
      if (member) changes.push(({ members }) => members.delete(member.number));
      return { result: undefined, changes };
    },
  };
}

export function claim(partition: number, { life, processors, capacity }: Claimant): Statement<Claimed | "taken"> {
  return {
    name: "claim",
    locks: () => [partitionLock(partition)],
    run: (tables) => {
      const row = tables.partitions[partition]!;
      if (row.haltedBecause !== undefined) throw new HaltedError(row.haltedBecause);
      if (!tables.memberOf(life)) throw new NotDoneError(`only a member claims: life=${life}`);
      const { owner } = row;
      if (owner && owner.life !== life && tables.memberOf(owner.life)) return { result: "taken" };
      const epoch = row.epoch + 1;
      const claimed = { ...row, owner: { life, since: epoch }, epoch, capacity: Math.max(row.capacity, capacity) };
      const names = [...processors];
      const result = { ...outlineOf(claimed), epoch, restored: row.restored };
      return { result, changes: [setPartition(partition, claimed), (t) => t.names[partition]!.set(epoch, names)] };
    },
  };
}

export function raise(tenures: readonly Tenure[]): Statement<Raised[]> {
  const inOrder = [...tenures].sort((a, b) => a.partition - b.partition);
  return {
    name: "raise",
    locks: () => inOrder.map(({ partition }) => partitionLock(partition)),
    run: (tables) => {
      const changes: Change[] = [];
      const result: Raised[] = [];
      for (const tenure of inOrder.filter((tenure) => goesOn(tables, tenure))) {
        const { partition } = tenure;
        const row = tables.partitions[partition]!;
        const epoch = row.epoch + 1;
        const names = tables.names[partition]!.get(row.epoch)!;
        changes.push(setPartition(partition, { ...row, epoch }), (t) => t.names[partition]!.set(epoch, names));
        result.push({ partition, epoch, head: row.head });
      }
      return { result, changes };
    },
  };
}

export function halt(tenure: Tenure, reason: string): Statement<void> {
  return changeOf("halt", tenure, { haltedBecause: reason });
}

export function endRestored(tenure: Tenure): Statement<void> {
  return changeOf("endRestored", tenure, { restored: undefined });
}

export function release(tenure: Tenure): Statement<void> {
  return changeOf("release", tenure, { owner: undefined });
}

/** Of the partition, if it is still in this tenure. */
function changeOf(name: string, tenure: Tenure, columns: Partial<PartitionRow>): Statement<void> {
  const { partition } = tenure;
  return {
    name,
    locks: () => [partitionLock(partition)],
    run: (tables) => {
      if (!goesOn(tables, tenure)) return { result: undefined };
      return {
        result: undefined,
        changes: [setPartition(partition, { ...tables.partitions[partition]!, ...columns })],
      };
    },
  };
}

function goesOn({ partitions }: DatabaseTables, { partition, since }: Tenure): boolean {
  return partitions[partition]!.owner?.since === since;
}

/** What is appended is copied when it is sent. */
export function append(appends: readonly Append[]): Statement<readonly number[]> {
  const sent = appends.map((append) => ({ ...append, records: append.records.slice() }));
  return {
    name: "append",
    locks: () =>
      sent
        .map(({ partition }) => partition)
        .sort((a, b) => a - b)
        .map(partitionLock),
    run: ({ partitions }) => {
      const changes: Change[] = [];
      const result: number[] = [];
      for (const { partition, epoch, lsn, recordCount, records } of sent) {
        const row = partitions[partition]!;
        if (row.epoch !== epoch || row.head !== lsn) continue;
        changes.push(setPartition(partition, { ...row, head: lsn + recordCount }), ({ chunks }) =>
          chunks[partition]!.push({ lsn, epoch, recordCount, records }),
        );
        result.push(partition);
      }
      return { result, changes };
    },
  };
}

export function epochs(): Statement<readonly number[]> {
  return { name: "epochs", run: ({ partitions }) => ({ result: partitions.map(({ epoch }) => epoch) }) };
}

export function chunks(partition: number, lsn: number, bytesMax: number): Statement<Chunk[]> {
  return {
    name: "chunks",
    run: (tables) => {
      const wanted = tables.chunks[partition]!.filter((chunk) => chunk.lsn + chunk.recordCount > lsn);
      return { result: fitting(wanted, bytesMax, ({ records }) => records).map((chunk) => ({ ...chunk })) };
    },
  };
}

export function names(partition: number): Statement<ReadonlyMap<number, readonly string[]>> {
  return { name: "names", run: ({ names }) => ({ result: new Map(names[partition]!) }) };
}

export function outline(partition: number): Statement<Outline> {
  return { name: "outline", run: ({ partitions }) => ({ result: outlineOf(partitions[partition]!) }) };
}

export function beginCheckpoint(
  partition: number,
  epoch: number,
  head: CheckpointHead,
  nextNumber: () => number,
): Statement<number | undefined> {
  return {
    name: "begin checkpoint",
    run: ({ partitions }) => {
      if (partitions[partition]!.epoch !== epoch) return { result: undefined };
      const number = nextNumber();
      const row = { ...head, epoch, slices: new Map() };
      return { result: number, changes: [({ checkpoints }) => checkpoints[partition]!.set(number, row)] };
    },
  };
}

export function putSlice(partition: number, checkpoint: number, index: number, sent: Uint8Array): Statement<void> {
  const records = sent.slice();
  return {
    name: "put slice",
    run: ({ checkpoints }) => {
      if (!checkpoints[partition]!.has(checkpoint))
        throw new NotDoneError(`a checkpoint is there: number=${checkpoint}`);
      const put: Change = ({ checkpoints }) => {
        const row = checkpoints[partition]!.get(checkpoint);
        // One that was dropped meanwhile takes its slices along.
        if (row)
          checkpoints[partition]!.set(checkpoint, { ...row, slices: new Map([...row.slices, [index, records]]) });
      };
      return { result: undefined, changes: [put] };
    },
  };
}

export function finishCheckpoint(
  partition: number,
  epoch: number,
  number: number,
  { slices, rows }: CheckpointSize,
): Statement<boolean> {
  return {
    name: "finish checkpoint",
    locks: () => [partitionLock(partition)],
    run: (tables) => {
      const row = tables.partitions[partition]!;
      const begun = tables.checkpoints[partition]!.get(number);
      if (row.epoch !== epoch || begun?.epoch !== epoch) return { result: false };
      if (!Array.from({ length: slices }).every((_, index) => begun.slices.has(index))) return { result: false };
      const checkpoint = { number, lsn: begun.lsn, latestMs: begun.latestMs, epoch: begun.epoch, rows };
      const drop: Change = ({ checkpoints }) => {
        for (const earlier of [...checkpoints[partition]!.keys()])
          if (earlier < number) checkpoints[partition]!.delete(earlier);
      };
      return { result: true, changes: [setPartition(partition, { ...row, checkpoint }), drop] };
    },
  };
}

export function slices(
  partition: number,
  checkpoint: number,
  index: number,
  bytesMax: number,
): Statement<Uint8Array[]> {
  return {
    name: "slices",
    run: ({ checkpoints }) => {
      const there = checkpoints[partition]!.get(checkpoint)?.slices ?? new Map<number, Uint8Array>();
      const wanted = [...there].filter(([other]) => other >= index).sort(([a], [b]) => a - b);
      return { result: fitting(wanted, bytesMax, ([, records]) => records).map(([, records]) => records) };
    },
  };
}

export function tidy(): Statement<void> {
  return {
    name: "tidy",
    run: ({ partitions }) => {
      const changes = partitions.flatMap(({ checkpoint }, partition): Change[] => {
        if (!checkpoint) return [];
        const isCovered = (chunk: Chunk): boolean => chunk.lsn + chunk.recordCount <= checkpoint.lsn;
        return [
          (tables) => {
            tables.chunks[partition] = tables.chunks[partition]!.filter((chunk) => !isCovered(chunk));
          },
        ];
      });
      return { result: undefined, changes };
    },
  };
}

function outlineOf({ head, capacity, checkpoint }: PartitionRow): Outline {
  return { head, capacity, checkpoint };
}

/** At least one where there is one. */
function fitting<T>(wanted: readonly T[], bytesMax: number, recordsOf: (item: T) => Uint8Array): T[] {
  let bytes = 0;
  const end = wanted.findIndex((item, index) => {
    bytes += recordsOf(item).length;
    return index > 0 && bytes > bytesMax;
  });
  return end < 0 ? [...wanted] : wanted.slice(0, end);
}

function partitionLock(partition: number): string {
  return `partition ${partition}`;
}

function memberLock(number: number): string {
  return `member ${number}`;
}

function memberLocks(tables: DatabaseTables, life: string): string[] {
  const member = tables.memberOf(life);
  return member ? [memberLock(member.number)] : [];
}
