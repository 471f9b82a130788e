import { formatUuid } from "../../core/values/uuid.ts";
import type { Asker } from "../http/exchange.ts";
import type { Custody } from "../partition/custody.ts";
import type { PartitionMap } from "../partition/partition-map.ts";
import type { PaymentBody } from "../payments/payment-body.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import type { Admission } from "../turn/admission.ts";
import { acceptPayment, OVERLOADED_DETAIL, refusePayment, STOPPED_DETAIL } from "./payment-ack.ts";
import { noteRefusal, type RefusalNotes } from "./refusal-note.ts";
import type { WholeService } from "./whole-service.ts";

export type AcceptReadParts = RefusalNotes & {
  body: PaymentBody;
  custody: Custody;
  partitions: PartitionMap;
  whole: WholeService;
  /** Without one nothing is refused because there is too much of it. */
  admission?: Admission | undefined;
  tracing?: Tracing | undefined;
};

/**
 * A payment from a client, whose `bytes` are those that `body` has just read: it is accepted here, or brought to
 * whoever carries its partition. Returns what ends when that one has answered, or cannot be reached. Hot.
 */
export function acceptRead(parts: AcceptReadParts, exchange: Asker, bytes: Uint8Array): Promise<void> | undefined {
  const { body, custody, partitions, admission } = parts;
  if (custody.stoppedWatch.wasStopped) {
    noteRefusal(parts, "process_stopped", formatUuid(body.id));
    refusePayment(exchange, "process-stopped", STOPPED_DETAIL, "unknown");
    return undefined;
  }
  const number = partitions.of(body.id);
  const partition = custody.at(number);
  // A repetition costs as little as its refusal.
  if (admission?.isTooMany() && !partition?.service.knows(body.id)) {
    noteRefusal(parts, "overloaded", formatUuid(body.id));
    refusePayment(exchange, "overloaded", OVERLOADED_DETAIL, "no");
    return undefined;
  }
  // The bytes are gone when this returns.
  if (partition === undefined) return acceptElsewhere(parts, exchange, number, bytes.slice());
  acceptPayment(partition.service, exchange);
  return undefined;
}

async function acceptElsewhere(
  parts: AcceptReadParts,
  exchange: Asker,
  partition: number,
  bytes: Uint8Array,
): Promise<void> {
  const { body, whole, tracing } = parts;
  const correlationId = formatUuid(body.id);
  const isReached = await whole.accept(exchange, partition, bytes, tracing?.headersOf(exchange));
  if (!isReached) noteRefusal(parts, "partition_unreachable", correlationId);
}
