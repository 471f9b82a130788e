import { PROCESSORS_MAX } from "../values/processor.ts";
import { xxHash32 } from "./checksum.ts";
import { RECORD_BYTES } from "./record.ts";

/**
 * The first 480 bytes of every journal file, little-endian: ten records long, and within one sector, so never half
 * written.
 *
 *   byte 0          8         10             12          14           16        24          32           40
 *        ┌──────────┬─────────┬──────────────┬───────────┬────────────┬─────────┬───────────┬────────────┐
 *        │ RINHAJRN │ version │ record bytes │ partition │ partitions │ number  │ first LSN │ created ms │
 *        │ 8 ASCII  │ u16 = 2 │ u16          │ u16       │ u16        │ f64     │ f64       │ f64        │
 *        └──────────┴─────────┴──────────────┴───────────┴────────────┴─────────┴───────────┴────────────┘
 *        40     44      48         56      60           64              448        452        476        480
 *        ┌──────┬───────┬──────────┬───────┬────────────┬───────────────┬──────────┬──────────┬──────────┐
 *        │ kind │ epoch │ bound ms │ flags │ processors │ their names   │ capacity │ zeros    │ checksum │
 *        │ u32  │ u32   │ f64      │ u32   │ u32        │ 16 × 24 ASCII │ u32      │ 24 bytes │ u32      │
 *        └──────┴───────┴──────────┴───────┴────────────┴───────────────┴──────────┴──────────┴──────────┘
 *
 * `number` counts segments from 1; a checkpoint has the number of the first segment that is not in it. `partition`
 * counts from 0. `epoch` is the carrier's number, raised by one each time the journal is opened for writing. `bound` is
 * the latest time or watermark that was given out before this file began. Flag 1: all that came before this file was
 * safe from a loss of power when it began. `capacity`: payments that the carrier had room for; 0: not said.
 *
 * Version 1 is read, never written: its first 40 bytes are the same, then come kind (u32) and checksum (u32). It had
 * two processors, default and fallback, and no epoch, bound, flags or capacity.
 */
export const HEADER_BYTES = 10 * RECORD_BYTES;
export const FORMAT_VERSION = 2;
export const SEGMENT = 1;
export const CHECKPOINT = 2;
export const PROCESSOR_NAME_BYTES_MAX = 24;

const VERSION_1_BYTES = RECORD_BYTES;
/** Where the first record may begin in a file whose header cannot be read. */
export const HEADER_BYTES_OF_VERSIONS: readonly number[] = [HEADER_BYTES, VERSION_1_BYTES];

const MAGIC = "RINHAJRN";
const VERSION_1_PROCESSORS: readonly string[] = ["default", "fallback"];
const NAMES_BYTE = 64;
const CAPACITY_BYTE = 448;
const FOLLOWS_DURABLE = 1;
const PROCESSOR_NAME = new RegExp(`^[!-~]{1,${PROCESSOR_NAME_BYTES_MAX}}$`);

export type HeaderFields = {
  kind: typeof SEGMENT | typeof CHECKPOINT;
  /** From 0. */
  partition: number;
  partitionCount: number;
  epoch: number;
  number: number;
  firstLsn: number;
  createdAtMs: number;
  boundMs: number;
  /** Whether all that came before this file was safe from a loss of power when it began. */
  followsDurable: boolean;
  /** Names in the order of the numbers that the file's records have. */
  processors: readonly string[];
  /** Payments that the carrier had room for; 0: not said. */
  capacity: number;
};

export type JournalHeader = HeaderFields & {
  version: number;
  /** Where the first record begins. */
  headerBytes: number;
};

/** The header in the version of today. Throws where a field does not fit. */
export function encodeHeader(header: HeaderFields): Uint8Array {
  const { processors } = header;
  const isCount = processors.length >= 1 && processors.length <= PROCESSORS_MAX;
  const isEachNamed = processors.every((name) => PROCESSOR_NAME.test(name));
  if (!isCount || !isEachNamed || new Set(processors).size < processors.length)
    throw new Error(
      `a journal has 1 to ${PROCESSORS_MAX} processors, each with its own name of 1 to ${PROCESSOR_NAME_BYTES_MAX} ` +
        `visible ASCII characters: processors=${processors.join(" ")}`,
    );
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  putText(bytes, 0, MAGIC);
  view.setUint16(8, FORMAT_VERSION, true);
  view.setUint16(10, RECORD_BYTES, true);
  view.setUint16(12, header.partition, true);
  view.setUint16(14, header.partitionCount, true);
  view.setFloat64(16, header.number, true);
  view.setFloat64(24, header.firstLsn, true);
  view.setFloat64(32, header.createdAtMs, true);
  view.setUint32(40, header.kind, true);
  view.setUint32(44, header.epoch, true);
  view.setFloat64(48, header.boundMs, true);
  view.setUint32(56, header.followsDurable ? FOLLOWS_DURABLE : 0, true);
  view.setUint32(60, processors.length, true);
  for (const [i, name] of processors.entries()) putText(bytes, NAMES_BYTE + i * PROCESSOR_NAME_BYTES_MAX, name);
  view.setUint32(CAPACITY_BYTE, header.capacity, true);
  view.setInt32(HEADER_BYTES - 4, checksum(bytes, HEADER_BYTES, FORMAT_VERSION), true);
  return bytes;
}

/**
 * Returns the header, or what is wrong with it. `head` is the first HEADER_BYTES of the file, or all of it if that is
 * less.
 */
export function decodeHeader(head: Uint8Array): JournalHeader | string {
  if (head.length < VERSION_1_BYTES || textAt(head, 0, MAGIC.length) !== MAGIC) return "this is no journal file";
  const version = versionOf(head);
  if (version !== 1 && version !== FORMAT_VERSION) return `the format version must be 1 or 2: version=${version}`;
  const headerBytes = version === 1 ? VERSION_1_BYTES : HEADER_BYTES;
  if (head.length < headerBytes) return `a header has ${headerBytes} bytes: bytes=${head.length}`;
  const bytes = head.slice(0, headerBytes);
  const view = new DataView(bytes.buffer);
  if (view.getInt32(headerBytes - 4, true) !== checksum(bytes, headerBytes, version))
    return "the header's checksum must agree";
  const recordBytes = view.getUint16(10, true);
  if (recordBytes !== RECORD_BYTES) return `a record has ${RECORD_BYTES} bytes: recordBytes=${recordBytes}`;
  const kind = view.getUint32(40, true);
  if (kind !== SEGMENT && kind !== CHECKPOINT) return `a file is a segment or a checkpoint: kind=${kind}`;
  return {
    version,
    headerBytes,
    kind,
    partition: view.getUint16(12, true),
    partitionCount: view.getUint16(14, true),
    number: view.getFloat64(16, true),
    firstLsn: view.getFloat64(24, true),
    createdAtMs: view.getFloat64(32, true),
    ...(version === 1 ? VERSION_1_REST : restOf(view, bytes)),
  };
}

/** Whether the file ends within its header: whoever was creating it died before anything could be written behind it. */
export function endsInHeader(head: Uint8Array): boolean {
  if (head.length < VERSION_1_BYTES) return true;
  const isOurs = textAt(head, 0, MAGIC.length) === MAGIC && versionOf(head) === FORMAT_VERSION;
  return isOurs && head.length < HEADER_BYTES;
}

type Rest = Pick<HeaderFields, "epoch" | "boundMs" | "followsDurable" | "processors" | "capacity">;

const VERSION_1_REST: Rest = {
  epoch: 0,
  boundMs: 0,
  followsDurable: false,
  processors: VERSION_1_PROCESSORS,
  capacity: 0,
};

function restOf(view: DataView, bytes: Uint8Array): Rest {
  const processorCount = Math.min(view.getUint32(60, true), PROCESSORS_MAX);
  return {
    epoch: view.getUint32(44, true),
    boundMs: view.getFloat64(48, true),
    followsDurable: (view.getUint32(56, true) & FOLLOWS_DURABLE) !== 0,
    processors: Array.from({ length: processorCount }, (_, i) =>
      textAt(bytes, NAMES_BYTE + i * PROCESSOR_NAME_BYTES_MAX, PROCESSOR_NAME_BYTES_MAX).replace(/\0+$/, ""),
    ),
    capacity: view.getUint32(CAPACITY_BYTE, true),
  };
}

function versionOf(head: Uint8Array): number {
  return head[8]! | (head[9]! << 8);
}

/** Of all but the checksum's own four bytes at the end. */
function checksum(bytes: Uint8Array, headerBytes: number, version: number): number {
  const words = headerBytes / 4 - 1;
  return xxHash32(new Int32Array(bytes.buffer, bytes.byteOffset, words), 0, words, version);
}

function putText(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}

function textAt(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}
