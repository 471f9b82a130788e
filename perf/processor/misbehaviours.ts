import type { Call, Misbehaviour } from "./misbehaviour.ts";
import { readMisbehaviours } from "./misbehaviour-reader.ts";
import { Random } from "./random.ts";

/** What a misbehaviour may depend on beside its turn. */
export type Occasion = {
  /** On its connection, from 1; undefined where connections are not told apart. */
  readonly requestNumber: number | undefined;
  /** Of a look-up: whether the payment is charged. */
  readonly isFound?: boolean;
};

/** What the processor does wrong at present: for each call the first misbehaviour whose turn it is. */
export class Misbehaviours {
  readonly #hasFront: boolean;
  #turns: readonly Turn[] = [];
  #json: unknown = [];

  constructor(hasFront: boolean) {
    this.#hasFront = hasFront;
  }

  /** As it was set. */
  get json(): unknown {
    return this.#json;
  }

  /**
   * Takes one or several as the admin call does, an empty list for none. Returns the rule that they break; then nothing
   * changes.
   */
  change(json: unknown): string | undefined {
    const misbehaviours = readMisbehaviours(json, this.#hasFront);
    if (typeof misbehaviours === "string") return misbehaviours;
    this.#turns = misbehaviours.map((misbehaviour) => new Turn(misbehaviour));
    this.#json = json;
    return undefined;
  }

  /** Asked once for each call. Hot: costs nothing while there are none. */
  take(call: Call, occasion: Occasion): Misbehaviour | undefined {
    if (this.#turns.length === 0) return undefined;
    return this.#turns.find((turn) => turn.misbehaviour.call === call && turn.comes(occasion))?.misbehaviour;
  }
}

class Turn {
  readonly misbehaviour: Misbehaviour;
  readonly #random: Random;
  #callCount = 0;

  constructor(misbehaviour: Misbehaviour) {
    this.misbehaviour = misbehaviour;
    this.#random = new Random(misbehaviour.when.seed);
  }

  comes({ requestNumber, isFound }: Occasion): boolean {
    const { first, every, share, requestOfConnection, found } = this.misbehaviour.when;
    if (requestOfConnection !== undefined && requestOfConnection !== requestNumber) return false;
    if (found !== undefined && found !== isFound) return false;
    this.#callCount++;
    // Drawn for every call, so that the others do not change which calls are in the share.
    const isInShare = this.#random.next() < share;
    return this.#callCount <= first && this.#callCount % every === 0 && isInShare;
  }
}
