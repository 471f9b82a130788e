import type { PartitionReading } from "./message.ts";

const STATE_NOTES: Readonly<Record<PartitionReading["state"], string>> = {
  adopting: " (taking over)",
  carried: "",
  leaving: " (leaving)",
};

/** What an instance has of the partitions: "partitions 1, 2 (taking over)". */
export function partitionsText(partitions: readonly PartitionReading[]): string {
  if (partitions.length === 0) return "no partition";
  const inOrder = partitions.toSorted((a, b) => a.partition - b.partition);
  return named(inOrder.map(({ partition, state }) => `${partition + 1}${STATE_NOTES[state]}`));
}

/** Those that none of the instances which answer has: "partition 2"; undefined where there is none. */
export function unseenText(partitions: readonly PartitionReading[], partitionCount: number): string | undefined {
  return absent(new Set(partitions.map(({ partition }) => partition)), partitionCount);
}

/** Those whose payments are in no sum, because nobody who answers carries them; undefined where there is none. */
export function missingText(partitions: readonly PartitionReading[], partitionCount: number): string | undefined {
  const carried = partitions.filter(({ state }) => state === "carried");
  return absent(new Set(carried.map(({ partition }) => partition)), partitionCount);
}

function absent(present: ReadonlySet<number>, partitionCount: number): string | undefined {
  const numbers = Array.from({ length: partitionCount }, (_, partition) => partition);
  const missing = numbers.filter((partition) => !present.has(partition));
  return missing.length === 0 ? undefined : named(missing.map((partition) => `${partition + 1}`));
}

function named(numbers: readonly string[]): string {
  return `partition${numbers.length === 1 ? "" : "s"} ${numbers.join(", ")}`;
}
