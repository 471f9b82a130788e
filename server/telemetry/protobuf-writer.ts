const BYTES_FIRST = 65_536;
/** What a call may write beside a text or other bytes: tags, lengths, a number. */
const SMALL_BYTES = 64;
/** Kept free for the length of a part while it is being written; most are as long as this can say. */
const LENGTH_BYTES = 2;

const LENGTH_DELIMITED = 2;
const FIXED_64 = 1;
const FIXED_32 = 5;

/** The number of bytes of a number that is written as a varint. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

/**
 * Writes protocol buffers, as far as spans need them, into one buffer that grows and is used again. Field numbers are
 * below 16, so that a tag is one byte, except where a method says otherwise.
 */
export class ProtobufWriter {
  #bytes: Buffer;
  #view: DataView;
  #at = 0;

  constructor(bytesFirst = BYTES_FIRST) {
    this.#bytes = Buffer.allocUnsafeSlow(bytesFirst);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** What was written since the last call. A copy. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
    return taken;
  }

  /** Begins a part that has a length; returns what `end` is to be told. */
  begin(field: number): number {
    this.#room(0);
    this.#bytes[this.#at] = (field << 3) | LENGTH_DELIMITED;
    this.#at += 1 + LENGTH_BYTES;
    return this.#at;
  }

  /** Begins a part of this length. */
  head(field: number, length: number): void {
    this.#room(0);
    this.#bytes[this.#at++] = (field << 3) | LENGTH_DELIMITED;
    this.#varint(length);
  }

  end(start: number): void {
    const length = this.#at - start;
    const lengthBytes = varintBytes(length);
    if (lengthBytes !== LENGTH_BYTES) {
      this.#room(0);
      this.#bytes.copyWithin(start - LENGTH_BYTES + lengthBytes, start, this.#at);
    }
    this.#at = start - LENGTH_BYTES;
    this.#varint(length);
    this.#at += length;
  }

  /** Bytes that are a field, or several, already. */
  written(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  hex(field: number, digits: string): void {
    const length = digits.length >>> 1;
    this.#room(length);
    this.#bytes[this.#at++] = (field << 3) | LENGTH_DELIMITED;
    this.#bytes[this.#at++] = length;
    this.#at += this.#bytes.write(digits, this.#at, length, "hex");
  }

  text(field: number, text: string): void {
    const length = Buffer.byteLength(text);
    this.#room(length);
    this.#bytes[this.#at++] = (field << 3) | LENGTH_DELIMITED;
    this.#varint(length);
    this.#at += this.#bytes.write(text, this.#at, length, "utf8");
  }

  /** A whole number from 0. */
  whole(field: number, value: number): void {
    this.#room(0);
    this.#bytes[this.#at++] = field << 3;
    this.#varint(value);
  }

  double(field: number, value: number): void {
    this.#room(0);
    this.#bytes[this.#at++] = (field << 3) | FIXED_64;
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  fixed64(field: number, value: bigint): void {
    this.#room(0);
    this.#bytes[this.#at++] = (field << 3) | FIXED_64;
    this.#view.setBigUint64(this.#at, value, true);
    this.#at += 8;
  }

  /** `field` may be above 15. */
  fixed32(field: number, value: number): void {
    this.#room(0);
    this.#varint((field << 3) | FIXED_32);
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  /** Without a tag; not negative. Room for it must be there. */
  #varint(value: number): void {
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) this.#bytes[this.#at++] = (rest % 0x80) | 0x80;
    this.#bytes[this.#at++] = rest;
  }

  #room(byteCount: number): void {
    if (this.#at + byteCount + SMALL_BYTES <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(2 * (this.#bytes.length + byteCount));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
