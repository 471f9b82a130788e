import type { Random } from "../../../support/random.ts";
import type { Kind } from "./node-differences.ts";

/** What is to be made of an answer: refused, or read as this. */
export type Reading = {
  status: number;
  /** One character per byte. */
  body: string;
  keepsAlive: boolean;
  isProvenEmpty: boolean;
};

export type Answer = {
  /** What the server sends, one character per byte. */
  text: string;
  /** Undefined: it is to be refused. */
  reading: Reading | undefined;
  /**
   * Whether the server ends the connection after that: it must, where that ends the body, or where more would be waited
   * for.
   */
  endsConnection: boolean;
  /** What is in it that node:http may take in another way. */
  kinds: ReadonlySet<Kind>;
};

/** Bytes of an element of an answer; what they do to it, if they are not just legal. */
export type Variant = { text: string; isIllegal?: true; kind?: Kind };

export type Framing = "length" | "chunks" | "until the end" | "no body";

/** An answer in the making: its parts are added in order, each by somebody who knows what it means. */
export class AnswerDraft {
  readonly random: Random;
  /** Whether this answer may have odd parts at all; half of them have none. */
  readonly isOdd: boolean;
  text = "";
  status = 200;
  isVersion10 = false;
  isLegal = true;
  keepsAlive = true;
  /** False where the fields contradict each other. */
  isSound = true;
  framing: Framing = "length";
  body = "";
  readonly kinds = new Set<Kind>();

  constructor(random: Random) {
    this.random = random;
    this.isOdd = random.chance(0.6);
  }

  /** One of the usual variants, or now and then an odd one; notes what it does to the answer. */
  choose(usual: readonly (string | Variant)[], odd: readonly (string | Variant)[] = [], chance = 0.06): string {
    const isOdd = this.isOdd && odd.length > 0 && this.random.chance(chance);
    return this.note(this.random.pick(isOdd ? odd : usual));
  }

  note(variant: string | Variant): string {
    if (typeof variant === "string") return variant;
    if (variant.isIllegal) this.isLegal = false;
    if (variant.kind) this.kinds.add(variant.kind);
    return variant.text;
  }
}

export function illegal(text: string, kind?: Kind): Variant {
  return kind === undefined ? { text, isIllegal: true } : { text, isIllegal: true, kind };
}

export function legal(text: string, kind: Kind): Variant {
  return { text, kind };
}
