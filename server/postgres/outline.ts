import { type Checkpoint, type Claimed, HaltedError, type Outline, type RestoredSince } from "../lease/database.ts";

type Told<T> = { [name in keyof T]: undefined extends T[name] ? Exclude<T[name], undefined> | null : T[name] };

/** As the database's functions tell it. */
export function outlineOf(json: unknown): Outline {
  const { head, capacity, checkpoint } = json as Told<Outline>;
  return { head, capacity, checkpoint: (checkpoint as Checkpoint | null) ?? undefined };
}

/** Throws HaltedError where nobody may have the partition. */
export function claimedOf(json: unknown): Claimed {
  const { halted, epoch, outline, restored } = json as {
    halted?: string;
    epoch: number;
    outline: unknown;
    restored: RestoredSince | null;
  };
  if (halted !== undefined) throw new HaltedError(halted);
  return {
    epoch,
    ...outlineOf(outline),
    restored: restored ?? undefined,
  };
}
