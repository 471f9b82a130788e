import { CorrelationIndex } from "./correlation-index.ts";

const ROWS_PER_BLOCK = 8192;

/** Both ends belong to the window. Infinities stand for an open end. */
export type Window = {
  readonly fromUs: number;
  readonly toUs: number;
};

export const everything: Window = { fromUs: Number.NEGATIVE_INFINITY, toUs: Number.POSITIVE_INFINITY };

export type Totals = {
  readonly count: number;
  readonly cents: bigint;
};

export type Charge = {
  readonly correlationId: string;
  readonly amountCents: number;
  readonly requestedAtUs: number;
};

/**
 * 8192 charges in the order they were made. The extremes and the sum let a window take or leave the block as a whole,
 * so that a summary reads only the blocks its ends fall into.
 */
type Block = {
  readonly amountCents: Float64Array;
  readonly requestedAtUs: Float64Array;
  count: number;
  /** Exact: 8192 amounts of at most 10^12 cents stay below 2^53. */
  sumCents: number;
  requestedAtUsMin: number;
  requestedAtUsMax: number;
};

function emptyBlock(): Block {
  return {
    amountCents: new Float64Array(ROWS_PER_BLOCK),
    requestedAtUs: new Float64Array(ROWS_PER_BLOCK),
    count: 0,
    sumCents: 0,
    requestedAtUsMin: Number.POSITIVE_INFINITY,
    requestedAtUsMax: Number.NEGATIVE_INFINITY,
  };
}

function isWithin(block: Block, window: Window): boolean {
  return block.requestedAtUsMin >= window.fromUs && block.requestedAtUsMax <= window.toUs;
}

function isOutside(block: Block, window: Window): boolean {
  return block.requestedAtUsMax < window.fromUs || block.requestedAtUsMin > window.toUs;
}

/** What the processor has charged: 38 to 44 bytes a payment, append only until purged. */
export class Charges {
  readonly #index = new CorrelationIndex();
  #blocks: Block[] = [];

  get count(): number {
    return this.#index.rowCount;
  }

  charge(id: Uint32Array, amountCents: number, requestedAtUs: number): "charged" | "duplicate" {
    const row = this.#index.add(id);
    if (row < 0) return "duplicate";
    if ((row & (ROWS_PER_BLOCK - 1)) === 0) this.#blocks.push(emptyBlock());
    const block = this.#blocks[row >>> 13]!;
    block.amountCents[block.count] = amountCents;
    block.requestedAtUs[block.count] = requestedAtUs;
    block.count++;
    block.sumCents += amountCents;
    block.requestedAtUsMin = Math.min(block.requestedAtUsMin, requestedAtUs);
    block.requestedAtUsMax = Math.max(block.requestedAtUsMax, requestedAtUs);
    return "charged";
  }

  find(id: Uint32Array): Charge | undefined {
    const row = this.#index.find(id);
    return row < 0 ? undefined : this.#chargeOf(row);
  }

  totals(window: Window): Totals {
    let count = 0;
    let cents = 0n;
    for (const block of this.#blocks) {
      if (isOutside(block, window)) continue;
      const part = isWithin(block, window) ? { count: block.count, cents: block.sumCents } : scan(block, window);
      count += part.count;
      cents += BigInt(part.cents);
    }
    return { count, cents };
  }

  /** Up to `limit` charges of the window in the order they were made, after the first `offset` of them. */
  list(window: Window, offset: number, limit: number): Charge[] {
    const listed: Charge[] = [];
    let skipCount = offset;
    for (const [blockIndex, block] of this.#blocks.entries()) {
      if (listed.length === limit) break;
      if (isOutside(block, window)) continue;
      if (isWithin(block, window) && skipCount >= block.count) {
        skipCount -= block.count;
        continue;
      }
      for (let place = 0; place < block.count && listed.length < limit; place++) {
        const requestedAtUs = block.requestedAtUs[place]!;
        if (requestedAtUs < window.fromUs || requestedAtUs > window.toUs) continue;
        if (skipCount > 0) {
          skipCount--;
          continue;
        }
        listed.push(this.#chargeOf(blockIndex * ROWS_PER_BLOCK + place));
      }
    }
    return listed;
  }

  purge(): void {
    this.#index.clear();
    this.#blocks = [];
  }

  #chargeOf(row: number): Charge {
    const block = this.#blocks[row >>> 13]!;
    const place = row & (ROWS_PER_BLOCK - 1);
    return {
      correlationId: this.#index.textOf(row),
      amountCents: block.amountCents[place]!,
      requestedAtUs: block.requestedAtUs[place]!,
    };
  }
}

function scan(block: Block, window: Window): { count: number; cents: number } {
  let count = 0;
  let cents = 0;
  for (let place = 0; place < block.count; place++) {
    const requestedAtUs = block.requestedAtUs[place]!;
    if (requestedAtUs < window.fromUs || requestedAtUs > window.toUs) continue;
    count++;
    cents += block.amountCents[place]!;
  }
  return { count, cents };
}
