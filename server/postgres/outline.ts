import type { Checkpoint, Claimed, Outline } from "../lease/database.ts";

type Told<T> = { [name in keyof T]: undefined extends T[name] ? Exclude<T[name], undefined> | null : T[name] };

/** As the database's functions tell it. */
export function outlineOf(json: unknown): Outline {
  const { head, capacity, checkpoint } = json as Told<Outline>;
  return { head, capacity, checkpoint: (checkpoint as Checkpoint | null) ?? undefined };
}

export function claimedOf(json: unknown): Claimed {
  const { epoch, outline, restored } = json as {
    epoch: number;
    outline: unknown;
    restored: { lostFromMs: number | null; sinceMs: number | null } | null;
  };
  return {
    epoch,
    ...outlineOf(outline),
    restored:
      restored === null
        ? undefined
        : { lostFromMs: restored.lostFromMs ?? undefined, sinceMs: restored.sinceMs ?? undefined },
  };
}
