import type { Asker } from "../http/exchange.ts";
import type { Custody } from "../partition/custody.ts";
import type { PartitionMap } from "../partition/partition-map.ts";
import type { PaymentBody } from "../payments/payment-body.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import { acceptPayment, refusePayment, STOPPED_DETAIL } from "./payment-ack.ts";
import type { WholeService } from "./whole-service.ts";

export type AcceptReadParts = {
  body: PaymentBody;
  custody: Custody;
  partitions: PartitionMap;
  whole: WholeService;
  tracing?: Tracing | undefined;
};

/**
 * A payment from a client, whose `bytes` are those that `body` has just read: it is accepted here, or brought to
 * whoever carries its partition. Returns what ends when that one has answered, or cannot be reached. Hot.
 */
export function acceptRead(
  { body, custody, partitions, whole, tracing }: AcceptReadParts,
  exchange: Asker,
  bytes: Uint8Array,
): Promise<void> | undefined {
  if (custody.stoppedWatch.wasStopped) {
    refusePayment(exchange, STOPPED_DETAIL, "unknown");
    return undefined;
  }
  const number = partitions.of(body.id);
  const partition = custody.at(number);
  // The bytes are gone when this returns.
  if (partition === undefined) return whole.accept(exchange, number, bytes.slice(), tracing?.headersOf(exchange));
  acceptPayment(partition.service, exchange);
  return undefined;
}
