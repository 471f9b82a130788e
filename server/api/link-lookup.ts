import { parseUuidText, UUID_WORDS } from "../../core/values/uuid.ts";
import { type Answer, jsonAnswer, problemAnswer } from "../http/answer.ts";
import type { CarriedPartitions } from "../partition/carried-partitions.ts";
import type { PaymentService } from "../payments/payment-service.ts";
import { problem } from "../text/problem.ts";
import { UNSAFE } from "./payment-ack.ts";

const UNKNOWN = problemAnswer(problem("no-such-payment", "no such payment here"));

/**
 * The payment with this correlationId or payment id, if it is in the partition and that is carried here. Where it is
 * not, 404 would be taken for the word of one that knows.
 */
export async function lookInto(carried: CarriedPartitions, partition: number, text: string): Promise<Answer> {
  const id = new Int32Array(UUID_WORDS);
  const service = carried.at(partition);
  if (service === undefined) return problemAnswer(problem("not-carried", "this partition is not carried here"));
  if (!parseUuidText(text, id)) return UNKNOWN;
  const known = await lookAt(service, id);
  if (known === "unsafe") return problemAnswer(UNSAFE);
  return known === undefined ? UNKNOWN : jsonAnswer(known);
}

/** See PaymentService.look. */
export function lookAt(service: PaymentService, id: Int32Array): Promise<string | undefined | "unsafe"> {
  return new Promise((resolve) => service.look(id, resolve));
}
