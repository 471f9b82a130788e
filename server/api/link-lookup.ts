import { instanceOfPaymentId } from "../../core/values/payment-id.ts";
import { parseUuidText, UUID_WORDS } from "../../core/values/uuid.ts";
import { type Answer, jsonAnswer, problemAnswer } from "../http/answer.ts";
import type { CarriedPartitions } from "../partition/carried-partitions.ts";
import type { PaymentService } from "../payments/payment-service.ts";
import { UNSAFE } from "./payment-ack.ts";

const UNKNOWN = problemAnswer({ status: 404, detail: "no such payment here" });

/**
 * The payment with this id, if it is in a partition that is carried here. The id may be a correlationId, whose
 * partition can be computed, or a payment's own, which carries it. Where neither partition is here, 404 would be taken
 * for the word of one that may know it.
 */
export async function lookInto(carried: CarriedPartitions, text: string): Promise<Answer> {
  const id = new Int32Array(UUID_WORDS);
  if (!parseUuidText(text, id)) return UNKNOWN;
  const partitions = new Set([carried.partitionOf(id), instanceOfPaymentId(id)]);
  const services = [...partitions].map((partition) => carried.at(partition)).filter((service) => service !== undefined);
  if (services.length === 0) {
    const detail = "no partition that this payment may be of is carried here";
    return problemAnswer({ status: 421, detail });
  }
  const all = await Promise.all(services.map((service) => look(service, id)));
  const known = all.find((json) => json !== undefined && json !== "unsafe");
  if (known !== undefined) return jsonAnswer(known);
  return all.includes("unsafe") ? problemAnswer(UNSAFE) : UNKNOWN;
}

function look(service: PaymentService, id: Int32Array): Promise<string | undefined | "unsafe"> {
  return new Promise((resolve) => service.look(id, resolve));
}
