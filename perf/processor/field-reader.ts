import { broken } from "./payment-body.ts";

/** Reads the fields of a JSON object one after another and keeps the first rule that is broken. */
export class FieldReader {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #known = new Set<string>();
  #broken: string | undefined;

  /** `what` is what the object describes. */
  constructor(value: unknown, what: string) {
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    this.#fields = isObject ? (value as Record<string, unknown>) : {};
    if (!isObject) this.#broken = broken(`${what} must be an object`, what, value);
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }

  /** `otherwise` when the field is missing, or is not as the rule says. */
  take<Value>(name: string, rule: string, read: (value: unknown) => Value | undefined, otherwise: Value): Value {
    this.#known.add(name);
    const value = this.#fields[name];
    if (value === undefined) return otherwise;
    const taken = read(value);
    if (taken !== undefined) return taken;
    this.refuse(`${name} must be ${rule}`, name, value);
    return otherwise;
  }

  /** A whole number. */
  count<Otherwise>(name: string, min: number, max: number, otherwise: Otherwise): number | Otherwise {
    const read = (value: unknown): number | undefined =>
      Number.isInteger(value) && (value as number) >= min && (value as number) <= max ? (value as number) : undefined;
    return this.take<number | Otherwise>(name, `a whole number from ${min} to ${max}`, read, otherwise);
  }

  oneOf<Value extends string>(name: string, values: readonly Value[], otherwise: Value): Value {
    return this.take(
      name,
      `one of ${values.join(", ")}`,
      (value) => values.find((known) => known === value),
      otherwise,
    );
  }

  text(name: string): string {
    return this.take(name, "text", (value) => (typeof value === "string" ? value : undefined), "");
  }

  isTrue<Otherwise>(name: string, otherwise: Otherwise): boolean | Otherwise {
    const read = (value: unknown): boolean | undefined => (typeof value === "boolean" ? value : undefined);
    return this.take<boolean | Otherwise>(name, "true or false", read, otherwise);
  }

  /** What `read` makes of the field, or the rule that it finds broken. */
  nested<Value extends object | undefined>(
    name: string,
    read: (value: unknown) => Value | string,
    otherwise: Value,
  ): Value {
    this.#known.add(name);
    if (!this.has(name)) return otherwise;
    const taken = read(this.#fields[name]);
    if (typeof taken !== "string") return taken;
    this.#broken ??= taken;
    return otherwise;
  }

  refuse(rule: string, name: string, value: unknown): void {
    this.#broken ??= broken(rule, name, value);
  }

  /** To be called after the last field: one that nobody has asked for is a mistake. */
  brokenRule(): string | undefined {
    const unknown = Object.keys(this.#fields).find((name) => !this.#known.has(name));
    if (unknown !== undefined) this.refuse("fields must be known", "field", unknown);
    return this.#broken;
  }
}
