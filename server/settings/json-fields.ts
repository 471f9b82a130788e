import { readFileSync } from "node:fs";

export type Fields = Readonly<Record<string, unknown>>;
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads members of JSON objects and remembers all that is wrong, each by its place. What it returns after an error only
 * keeps the reading going. No error shows a text that may be a secret.
 */
export class FieldReader {
  readonly errors: string[] = [];
  /** What is being read, such as `PROCESSORS[0]`. */
  place: string;
  readonly #environment: Environment;

  constructor(place: string, environment: Environment) {
    this.place = place;
    this.#environment = environment;
  }

  /** `shown`: of the wrong value, what may be seen. */
  refuse(member: string, rule: string, shown = ""): void {
    const path = member === "" ? this.place : `${this.place}.${member}`;
    this.errors.push(`${path} ${rule}${shown === "" ? "" : `: ${shown}`}`);
  }

  /** `known`: the members it may have; undefined: any. */
  object(member: string, value: unknown, known?: readonly string[]): Fields {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      this.refuse(member, "must be an object");
      return {};
    }
    const unknown = known === undefined ? [] : Object.keys(value).filter((name) => !known.includes(name));
    if (unknown.length > 0) this.refuse(member, `has only the members ${known!.join(", ")}`, unknown.join(", "));
    return value as Fields;
  }

  count(member: string, value: unknown, min: number, max: number): number {
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
    this.refuse(member, `must be a whole number from ${min} to ${max}`, `${member}=${JSON.stringify(value)}`);
    return min;
  }

  flag(member: string, value: unknown, fallback: boolean): boolean {
    if (value === undefined || typeof value === "boolean") return value ?? fallback;
    this.refuse(member, "must be true or false", `${member}=${JSON.stringify(value)}`);
    return fallback;
  }

  /** A text, `{"env": "NAME"}` or `{"file": "PATH"}`; a line feed at the end of the latter two is dropped. */
  secret(member: string, wish: unknown): string {
    if (typeof wish === "string") return wish;
    const [entry, ...more] = Object.entries(wish ?? {});
    const [kind, where] = entry ?? [];
    if (typeof where !== "string" || (kind !== "env" && kind !== "file") || more.length > 0)
      this.refuse(member, 'must be a text, {"env": "NAME"} or {"file": "PATH"}');
    else if (kind === "env") return this.#expectText(member, this.#environment[where]);
    else return this.#expectText(member, this.file(member, where));
    return "";
  }

  /** The text of a file; undefined where it cannot be read. */
  file(member: string, path: string): string | undefined {
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      this.refuse(member, "must be a file that can be read", `${path} ${(error as NodeJS.ErrnoException).code}`);
      return undefined;
    }
  }

  #expectText(member: string, found: string | undefined): string {
    const isRefused = this.errors.at(-1)?.startsWith(`${this.place}.${member} `) ?? false;
    const text = found?.replace(/\r?\n$/, "") ?? "";
    if (text === "" && !isRefused) this.refuse(member, "must have a value: the variable or file is missing or empty");
    return text;
  }
}
