import type { MetricsSource } from "./metrics-source.ts";
import type { Readings } from "./readings.ts";

/** Which partitions this instance has. Over all instances, each is to be carried once. */
export function registerPartitions(readings: Readings, { custody }: MetricsSource): void {
  const numbers = Array.from({ length: custody.partitionCount }, (_, partition) => partition);
  const gauges = (name: string, help: string, read: (partition: number) => number): void =>
    readings.gauges(name, help, ["partition"], () =>
      numbers.map((partition) => ({ labels: { partition: partition + 1 }, value: read(partition) })),
    );
  gauges("partition_carried", "Whether this instance carries the partition: 1, or 0.", (partition) =>
    custody.at(partition) === undefined ? 0 : 1,
  );
  gauges(
    "partition_moving",
    "Whether this instance is taking the partition over, or leaving it: 1, or 0.",
    (partition) => (custody.carriages().some((own) => own.partition === partition && own.state !== "carried") ? 1 : 0),
  );
  gauges(
    "partition_epoch",
    "Number of the carrier, 0 where that is not this instance: each later one has a higher one.",
    (partition) => custody.at(partition)?.epoch ?? 0,
  );
  gauges("partition_refused", "Whether this instance could not take the partition over: 1, or 0.", (partition) =>
    custody.problemOf(partition) === undefined ? 0 : 1,
  );
  readings.counter(
    "partition_takeovers_total",
    "Partitions that this instance has taken over from another since the process started.",
    () => custody.takeOverCount,
  );
  readings.counter(
    "partition_handovers_total",
    "Partitions that this instance has handed over to another since the process started.",
    () => custody.handOverCount,
  );
}
