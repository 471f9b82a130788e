import type { Fee } from "../../server/telemetry/fee.ts";
import { decimalText } from "./amount.ts";

export function totalFeeText(totalCents: bigint, fee: Fee): string {
  return decimalText(totalCents * fee.units, 2 + fee.scale);
}
