import { findNginx } from "../../launch/nginx.ts";
import type { ChildName, CommandOverrides } from "../../launch/plans.ts";
import type { Limit } from "../limits/limit.ts";
import type { GroupUsage, ProcessGroups } from "../limits/process-groups.ts";

/** What each of them may use. */
export type Limits = {
  readonly nginx: Limit;
  readonly instance: Limit;
};

export const INSTANCE_COUNT = 2;
export const SENDER_NAME = "companion-sender";

/**
 * The groups of one topology: one for nginx, one for each instance, and one for a sender; inside them limits, or
 * none.
 */
export class NamedGroups {
  readonly #groups: ProcessGroups;
  readonly #label: string;
  readonly #limits: Limits | undefined;

  constructor(groups: ProcessGroups, label: string, limits: Limits | undefined) {
    this.#groups = groups;
    this.#label = label;
    this.#limits = limits;
  }

  get means(): string {
    return this.#groups.means;
  }

  create(): void {
    const instances = Array.from({ length: INSTANCE_COUNT }, (_, i): ChildName => `instance-${i + 1}`);
    for (const name of ["nginx" as const, ...instances, SENDER_NAME as ChildName]) {
      this.#groups.create(this.#groupOf(name), this.limitOf(name));
    }
  }

  /** The contest does not count the processors. */
  limitOf(name: ChildName): Limit | undefined {
    if (name === "nginx") return this.#limits?.nginx;
    return name.startsWith("instance-") ? this.#limits?.instance : undefined;
  }

  /** Each instance finds its number in its environment. */
  commands(instance: readonly string[]): CommandOverrides {
    return {
      nginx: this.#inside("nginx", this.#limits?.nginx, [findNginx()]),
      instance: this.#inside("instance-$INSTANCE", this.#limits?.instance, instance),
    };
  }

  senderCommand(command: readonly string[]): string[] {
    return this.#inside(SENDER_NAME, undefined, command);
  }

  usage(name: ChildName): GroupUsage | undefined {
    return this.#groups.usage(this.#groupOf(name));
  }

  remove(): Promise<void> {
    return this.#groups.remove();
  }

  #inside(name: string, limit: Limit | undefined, command: readonly string[]): string[] {
    return this.#groups.commandInside(this.#groupOf(name), limit, command);
  }

  #groupOf(name: string): string {
    return this.#label === "" ? name : `${this.#label}-${name}`;
  }
}
