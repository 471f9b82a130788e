import type { Slot } from "../values/number-types.ts";
import { encodePaymentId, partitionOfPaymentId, sequenceOfPaymentId } from "../values/payment-id.ts";
import { UUID_WORDS } from "../values/uuid.ts";
import type { Ledger } from "./ledger.ts";
import { NOT_FOUND_SLOT } from "./uuid-index.ts";

/** The payment ids of a partition's ledger: made from the rows and found again without an index of their own. */
export class PaymentIds {
  readonly #ledger: Ledger;
  readonly #partition: number;
  readonly #id = new Int32Array(UUID_WORDS);

  /** `partition`: its number, carried by its ids. */
  constructor(ledger: Ledger, partition: number) {
    this.#ledger = ledger;
    this.#partition = partition;
  }

  /** Writes the payment id of `slot` into out[0 … 3]. */
  write(slot: Slot, out: Int32Array): void {
    const { rows } = this.#ledger;
    const sequence = this.#ledger.sequenceOf(slot);
    const at = slot * UUID_WORDS;
    encodePaymentId(out, rows.acceptedAtMs[slot]!, sequence, this.#partition, rows.correlationIds, at);
  }

  /** Slot of the payment with this id, or NOT_FOUND_SLOT. O(1). */
  find(id: Int32Array): Slot {
    if (partitionOfPaymentId(id) !== this.#partition) return NOT_FOUND_SLOT;
    const sequence = sequenceOfPaymentId(id);
    if (!this.#ledger.isKept(sequence)) return NOT_FOUND_SLOT;
    const slot = this.#ledger.slotOf(sequence);
    this.write(slot, this.#id);
    return this.#id.every((word, i) => word === id[i]) ? slot : NOT_FOUND_SLOT;
  }
}
