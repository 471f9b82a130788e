import type { ResponseReader } from "../../../server/sending/response-reader.ts";

const UNAVAILABLE = 503;

/** Counts the answers that say that a payment was not accepted, as those of our service do. */
export class CertainRefusals {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Hot. */
  readonly note = (reader: ResponseReader): void => {
    if (reader.status === UNAVAILABLE && reader.body.includes('"accepted":"no"')) this.#count++;
  };
}
