import { crc32 } from "node:zlib";
import { INSTANCES, type InstanceNumber } from "./injury.ts";

/** The instance that nginx asks first: its hash of the last two hex digits. */
export function firstChoiceOf(correlationId: string): InstanceNumber {
  const hash = (crc32(correlationId.slice(-2).toLowerCase()) >>> 16) & 0x7fff;
  return INSTANCES[hash % INSTANCES.length]!;
}
