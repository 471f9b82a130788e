import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Host } from "../../perf/postgres/postgres-server.ts";

const run = promisify(execFile);

/**
 * Hosts of one machine, each a network namespace with an address of its own, and the machine itself. A router between
 * them passes on what they send, or, where two are cut from each other, silently drops it.
 */
export class Hosts {
  /** Of the machine itself. */
  readonly address: string;
  readonly #prefix = `rinha-${process.pid}`;
  readonly #names: readonly string[];
  /** One of fifty, so that two runs on a machine seldom meet. */
  readonly #net = `10.${200 + (process.pid % 50)}`;

  private constructor(names: readonly string[]) {
    this.#names = names;
    this.address = `${this.#net}.0.2`;
  }

  /** Why there can be none here; undefined where there can. */
  static async missing(): Promise<string | undefined> {
    if (process.platform !== "linux" || process.getuid?.() !== 0) return "network namespaces need root on Linux";
    const name = `rinha-${process.pid}-try`;
    try {
      await run("ip", ["netns", "add", name]);
      await run("ip", ["netns", "del", name]);
      return undefined;
    } catch (error) {
      return `network namespaces cannot be made: ${(error as Error).message.split("\n")[0]}`;
    }
  }

  static async create(names: readonly string[]): Promise<Hosts> {
    const hosts = new Hosts(names);
    try {
      await hosts.#make();
    } catch (error) {
      await hosts.remove();
      throw error;
    }
    return hosts;
  }

  of(name: string): Host {
    return { namespace: this.#namespace(name), address: this.addressOf(name), network: `${this.#net}.0.0/16` };
  }

  addressOf(name: string): string {
    return `${this.#net}.${this.#names.indexOf(name) + 1}.2`;
  }

  /** From here on nothing that one of them sends arrives at the other. */
  cut(one: string, other: string): Promise<void> {
    return this.#rule("add", one, other);
  }

  mend(one: string, other: string): Promise<void> {
    return this.#rule("del", one, other);
  }

  async remove(): Promise<void> {
    for (const name of [...this.#names, "router"])
      await run("ip", ["netns", "del", this.#namespace(name)]).catch(() => {});
    await run("ip", ["link", "del", this.#cable(0)]).catch(() => {});
  }

  async #rule(what: "add" | "del", one: string, other: string): Promise<void> {
    const [a, b] = [this.addressOf(one), this.addressOf(other)];
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const)
      await this.#at("router", "rule", what, "blackhole", "from", from, "to", to);
  }

  async #make(): Promise<void> {
    for (const name of [...this.#names, "router"]) await run("ip", ["netns", "add", this.#namespace(name)]);
    const router = this.#namespace("router");
    await run("ip", ["netns", "exec", router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
    await this.#connect(undefined, 0);
    for (const [i, name] of this.#names.entries()) await this.#connect(name, i + 1);
  }

  /** A cable between a host, or the machine itself, and the router. */
  async #connect(name: string | undefined, number: number): Promise<void> {
    const at = (...args: string[]): Promise<unknown> =>
      name === undefined ? run("ip", args) : this.#at(name, ...args);
    const cable = this.#cable(number);
    await at("link", "add", cable, "type", "veth", "peer", "name", cable, "netns", this.#namespace("router"));
    await at("addr", "add", `${this.#net}.${number}.2/24`, "dev", cable);
    await this.#at("router", "addr", "add", `${this.#net}.${number}.1/24`, "dev", cable);
    await at("link", "set", cable, "up");
    await this.#at("router", "link", "set", cable, "up");
    if (name !== undefined) await at("link", "set", "lo", "up");
    await at("route", "add", `${this.#net}.0.0/16`, "via", `${this.#net}.${number}.1`);
  }

  async #at(name: string, ...args: string[]): Promise<void> {
    await run("ip", ["-n", this.#namespace(name), ...args]);
  }

  #namespace(name: string): string {
    return `${this.#prefix}-${name}`;
  }

  /** Names of interfaces have fifteen characters at most. */
  #cable(number: number): string {
    return `rn${process.pid % 1_000_000}-${number}`;
  }
}
