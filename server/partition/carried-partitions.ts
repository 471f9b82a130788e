import type { PaymentService } from "../payments/payment-service.ts";

/** A partition that this instance carries. */
export type CarriedPartition = {
  /** From 0. */
  partition: number;
  /** Number of this carrier. */
  epoch: number;
  service: PaymentService;
};

/** The partitions that this instance carries now. */
export interface CarriedPartitions {
  /** The payments of a partition, if it is carried here. Hot. */
  at(partition: number): PaymentService | undefined;
  /** The partition of the payment with this correlationId, carried here or not. Hot. */
  partitionOf(correlationId: Int32Array): number;
  all(): Iterable<CarriedPartition>;
}
