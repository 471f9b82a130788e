import { ProtobufWriter, varintBytes } from "./protobuf-writer.ts";

/** Field numbers of KeyValue and AnyValue, in opentelemetry/proto/common/v1/common.proto. */
const KEY = 1;
const VALUE = 2;
const STRING_VALUE = 1;
const BOOL_VALUE = 2;
const INT_VALUE = 3;
const DOUBLE_VALUE = 4;
const DOUBLE_BYTES = 8;
/** Room for most keys. */
const KEY_BYTES = 128;
/** Integers up to here are written as such, as the SDK does; one that is negative is not. */
const INT_MAX = 2 ** 63;

/** The beginning of every attribute of this name: its key. */
export class AttributeKey {
  readonly bytes: Uint8Array;

  constructor(name: string) {
    const writer = new ProtobufWriter(KEY_BYTES);
    writer.text(KEY, name);
    this.bytes = writer.take();
  }
}

/** Writes attributes into a message that has them in one of its fields. */
export class AttributeWriter {
  readonly #writer: ProtobufWriter;
  readonly #lengthMax: number;

  /** `lengthMax`: of a value that is a text, in UTF-16 units, as the SDK counts. */
  constructor(writer: ProtobufWriter, lengthMax: number) {
    this.#writer = writer;
    this.#lengthMax = lengthMax;
  }

  add(field: number, key: AttributeKey, value: string | number | boolean): void {
    if (typeof value === "string") this.#text(field, key, value);
    else if (typeof value === "boolean") this.#begin(field, key, 2).whole(BOOL_VALUE, value ? 1 : 0);
    else if (Number.isInteger(value) && value >= 0 && value < INT_MAX)
      this.#begin(field, key, 1 + varintBytes(value)).whole(INT_VALUE, value);
    else this.#begin(field, key, 1 + DOUBLE_BYTES).double(DOUBLE_VALUE, value);
  }

  #text(field: number, key: AttributeKey, value: string): void {
    const text = value.length > this.#lengthMax ? value.slice(0, this.#lengthMax) : value;
    const length = Buffer.byteLength(text);
    this.#begin(field, key, 1 + varintBytes(length) + length).text(STRING_VALUE, text);
  }

  /** All lengths are known beforehand, so nothing is moved. */
  #begin(field: number, { bytes }: AttributeKey, valueBytes: number): ProtobufWriter {
    const writer = this.#writer;
    writer.head(field, bytes.length + 1 + varintBytes(valueBytes) + valueBytes);
    writer.written(bytes);
    writer.head(VALUE, valueBytes);
    return writer;
  }
}
