import { type Address, formatAddress } from "../system/address.ts";
import type { Roster } from "./roster.ts";

export type RosterMapParts<T> = {
  open: (instance: number, address: Address) => T;
  /** It is in the map no more. */
  close: (value: T) => void;
};

/** Something for each of the other instances, for as long as it is in the roster at the same address. */
export class RosterMap<T> {
  readonly #parts: RosterMapParts<T>;
  readonly #entries = new Map<number, { address: string; value: T }>();
  #isClosed = false;

  /** What is there has been opened when this returns, and after every change of the roster. */
  constructor(roster: Roster, parts: RosterMapParts<T>) {
    this.#parts = parts;
    this.#follow(roster);
    roster.onChange(() => this.#follow(roster));
  }

  /** Numbers of the instances, from 0, in order. */
  keys(): number[] {
    return [...this.#entries.keys()].sort((a, b) => a - b);
  }

  get(instance: number): T | undefined {
    return this.#entries.get(instance)?.value;
  }

  /** Nothing is there from here on. */
  close(): void {
    this.#isClosed = true;
    for (const instance of this.keys()) this.#drop(instance);
  }

  #follow({ others }: Roster): void {
    if (this.#isClosed) return;
    for (const [instance, { address }] of [...this.#entries]) {
      const now = others.get(instance);
      if (now === undefined || formatAddress(now) !== address) this.#drop(instance);
    }
    for (const [instance, address] of others)
      if (!this.#entries.has(instance))
        this.#entries.set(instance, { address: formatAddress(address), value: this.#parts.open(instance, address) });
  }

  #drop(instance: number): void {
    const { value } = this.#entries.get(instance)!;
    this.#entries.delete(instance);
    this.#parts.close(value);
  }
}
