import { xxHash32 } from "../../core/checksum.ts";
import type { HeaderFields } from "../../core/journal-header.ts";
import { RECORD_BYTES } from "../../core/record.ts";

export const VERSION_1_HEADER_BYTES = 48;

export type Version1Fields = Pick<
  HeaderFields,
  "kind" | "partition" | "partitionCount" | "number" | "firstLsn" | "createdAtMs"
>;

/** A header as the first version of the format had it; nothing in the product writes it any more. */
export function encodeVersion1Header(header: Version1Fields): Uint8Array {
  const bytes = new Uint8Array(VERSION_1_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("RINHAJRN"));
  view.setUint16(8, 1, true);
  view.setUint16(10, RECORD_BYTES, true);
  view.setUint16(12, header.partition, true);
  view.setUint16(14, header.partitionCount, true);
  view.setFloat64(16, header.number, true);
  view.setFloat64(24, header.firstLsn, true);
  view.setFloat64(32, header.createdAtMs, true);
  view.setUint32(40, header.kind, true);
  view.setInt32(44, xxHash32(new Int32Array(bytes.buffer, 0, 11), 0, 11, 1), true);
  return bytes;
}
