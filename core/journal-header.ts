import { xxHash32 } from "./checksum.ts";
import { RECORD_BYTES } from "./record.ts";

/**
 * The first 48 bytes of every journal file, little-endian:
 *
 *   byte 0          8         10            12         14          16        24          32          40     44
 *        ┌──────────┬─────────┬─────────────┬──────────┬───────────┬─────────┬───────────┬───────────┬──────┬──────────┐
 *        │ RINHAJRN │ version │ record bytes│ instance │ instances │ number  │ first LSN │ created   │ kind │ checksum │
 *        │ 8 ASCII  │ u16     │ u16         │ u16      │ u16       │ f64     │ f64       │ ms, f64   │ u32  │ u32      │
 *        └──────────┴─────────┴─────────────┴──────────┴───────────┴─────────┴───────────┴───────────┴──────┴──────────┘
 *
 * `number` counts segments from 1; a checkpoint has the number of the first segment that is not in it.
 */
export const HEADER_BYTES = RECORD_BYTES;
export const FORMAT_VERSION = 1;
export const SEGMENT = 1;
export const CHECKPOINT = 2;

const MAGIC = "RINHAJRN";
const CHECKED_WORDS = 11;

export type JournalHeader = {
  kind: typeof SEGMENT | typeof CHECKPOINT;
  /** From 0. */
  instance: number;
  instanceCount: number;
  number: number;
  firstLsn: number;
  createdAtMs: number;
};

export function encodeHeader(header: JournalHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < MAGIC.length; i++) bytes[i] = MAGIC.charCodeAt(i);
  view.setUint16(8, FORMAT_VERSION, true);
  view.setUint16(10, RECORD_BYTES, true);
  view.setUint16(12, header.instance, true);
  view.setUint16(14, header.instanceCount, true);
  view.setFloat64(16, header.number, true);
  view.setFloat64(24, header.firstLsn, true);
  view.setFloat64(32, header.createdAtMs, true);
  view.setUint32(40, header.kind, true);
  view.setInt32(44, headerChecksum(bytes), true);
  return bytes;
}

/** Returns the header, or what is wrong with it. `bytes` are the first HEADER_BYTES of the file. */
export function decodeHeader(bytes: Uint8Array): JournalHeader | string {
  const copy = bytes.slice(0, HEADER_BYTES);
  const view = new DataView(copy.buffer);
  if (String.fromCharCode(...copy.subarray(0, MAGIC.length)) !== MAGIC) return "this is no journal file";
  const version = view.getUint16(8, true);
  if (version !== FORMAT_VERSION) return `the format version must be ${FORMAT_VERSION}: version=${version}`;
  if (view.getInt32(44, true) !== headerChecksum(copy)) return "the header's checksum must agree";
  const recordBytes = view.getUint16(10, true);
  if (recordBytes !== RECORD_BYTES) return `a record has ${RECORD_BYTES} bytes: recordBytes=${recordBytes}`;
  const kind = view.getUint32(40, true);
  if (kind !== SEGMENT && kind !== CHECKPOINT) return `a file is a segment or a checkpoint: kind=${kind}`;
  return {
    kind,
    instance: view.getUint16(12, true),
    instanceCount: view.getUint16(14, true),
    number: view.getFloat64(16, true),
    firstLsn: view.getFloat64(24, true),
    createdAtMs: view.getFloat64(32, true),
  };
}

function headerChecksum(bytes: Uint8Array): number {
  return xxHash32(new Int32Array(bytes.buffer, bytes.byteOffset, CHECKED_WORDS), 0, CHECKED_WORDS, FORMAT_VERSION);
}
