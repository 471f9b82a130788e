import type { PaymentService } from "../payments/payment-service.ts";
import type { SummaryPart, Window } from "../payments/summary.ts";
import type { Custody } from "./custody.ts";
import type { Partition } from "./partition.ts";
import type { PartitionMap } from "./partition-map.ts";

/** A partition that this instance carries. */
export type CarriedPartition = {
  /** From 0. */
  partition: number;
  /** Number of this carrier, as it is now. */
  readonly epoch: number;
  service: PaymentService;
};

/** The partitions that this instance carries now. */
export interface CarriedPartitions {
  /** The payments of a partition, if it is carried here. Hot. */
  at(partition: number): PaymentService | undefined;
  /** The partition of the payment with this correlationId, carried here or not. Hot. */
  partitionOf(correlationId: Int32Array): number;
  all(): Iterable<CarriedPartition>;
  /** See StoppedWatch. Hot. */
  readonly wasStopped: boolean;
}

/** Those that `custody` has. */
export function carriedBy(custody: Custody, partitions: PartitionMap): CarriedPartitions {
  return {
    at: (partition) => (partition < custody.partitionCount ? custody.at(partition)?.service : undefined),
    partitionOf: (correlationId) => partitions.of(correlationId),
    get wasStopped() {
      return custody.stoppedWatch.wasStopped;
    },
    all: () => custody.carried().map(carriedAs),
  };
}

function carriedAs(carried: Partition): CarriedPartition {
  const { number: partition, service } = carried;
  return {
    partition,
    get epoch() {
      return carried.epoch;
    },
    service,
  };
}

/** The part of each; "unsafe" while something has happened at one of them that its log cannot take. */
export async function partsOf(carried: CarriedPartitions, window: Window): Promise<SummaryPart[] | "unsafe"> {
  const parts = await Promise.all(
    [...carried.all()].map(async (one) => {
      const part = await one.service.summaryPart(window);
      return part && { ...part, partition: one.partition, epoch: one.epoch };
    }),
  );
  return parts.includes(undefined) ? "unsafe" : (parts as SummaryPart[]);
}
