import type { Logger } from "pino";
import { type Address, formatAddress, parseAddress } from "../system/address.ts";

/** Which instances there are, and where. */
export interface Roster {
  /** This instance, from 0. */
  readonly self: number;
  /** Link addresses of the other instances, by number from 0, in the order of the numbers. */
  readonly others: ReadonlyMap<number, Address>;
  /** Called after every change of `others`, in the order in which listeners came. */
  onChange(listener: () => void): void;
}

/** An instance as the store's membership has it. */
export type RosterMember = {
  /** From 0. */
  readonly number: number;
  /** Of its link, as formatAddress writes it. */
  readonly address: string;
};

/** The same for as long as the process lives. */
export class FixedRoster implements Roster {
  readonly self: number;
  readonly others: ReadonlyMap<number, Address>;

  /** `links`: of all instances, in the order of their numbers; empty for a single one. */
  constructor(self: number, links: readonly Address[]) {
    this.self = self;
    this.others = new Map([...links.entries()].filter(([instance]) => instance !== self));
  }

  onChange(): void {}
}

/** As the store's membership says from one census to the next. */
export class MemberRoster implements Roster {
  readonly self: number;
  readonly #membersMax: number;
  readonly #logger: Logger;
  readonly #listeners: (() => void)[] = [];
  #others: ReadonlyMap<number, Address> = new Map();
  /** What was said of members that cannot be in it, so that it is said once. */
  #refusals: ReadonlySet<string> = new Set();

  /** Nobody else is there at first. `membersMax`: this instance counted. */
  constructor(self: number, membersMax: number, logger: Logger) {
    this.self = self;
    this.#membersMax = membersMax;
    this.#logger = logger;
  }

  get others(): ReadonlyMap<number, Address> {
    return this.#others;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /**
   * All members there are, this instance among them or not, in any order. Those that have no usable address, or are one
   * too many, are logged and left out: nobody is asked or told anything there.
   */
  set(members: readonly RosterMember[]): void {
    const others = new Map<number, Address>();
    const refusals = new Set<string>();
    for (const { number, address: text } of [...members].sort((a, b) => a.number - b.number)) {
      if (number === this.self) continue;
      const address = parseAddress(text);
      const refusal = refusalOf(address, others.size + 1 < this.#membersMax, this.#membersMax);
      if (refusal === undefined) others.set(number, address as Address);
      else {
        refusals.add(`${number} ${text} ${refusal}`);
        if (!this.#refusals.has(`${number} ${text} ${refusal}`))
          this.#logger.error({ member: number + 1, address: text }, `a member is left out: ${refusal}`);
      }
    }
    this.#refusals = refusals;
    if (isSame(this.#others, others)) return;
    this.#others = others;
    for (const listener of this.#listeners) listener();
  }
}

function refusalOf(address: Address | string, hasRoom: boolean, membersMax: number): string | undefined {
  if (typeof address === "string") return `its link address ${address}`;
  return hasRoom ? undefined : `there are more than can be linked: max=${membersMax}`;
}

function isSame(some: ReadonlyMap<number, Address>, others: ReadonlyMap<number, Address>): boolean {
  const isThere = ([number, address]: [number, Address]): boolean => {
    const other = others.get(number);
    return other !== undefined && formatAddress(other) === formatAddress(address);
  };
  return some.size === others.size && [...some].every(isThere);
}
