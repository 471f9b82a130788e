import { withoutCredentials } from "../url-credentials.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The OTEL_* variables of an environment. What is wrong with one is remembered, and reading goes on. */
export class OtelVariables {
  readonly #environment: Environment;
  readonly #errors: string[];

  constructor(environment: Environment, errors: string[]) {
    this.#environment = environment;
    this.#errors = errors;
  }

  text(name: string): string {
    return this.#environment[name]?.trim() ?? "";
  }

  /**
   * Name of the exporter's variable that counts: the one for traces before the one for all signals; undefined if
   * neither is set.
   */
  signalName(what: string): string | undefined {
    return [`OTEL_EXPORTER_OTLP_TRACES_${what}`, `OTEL_EXPORTER_OTLP_${what}`].find((name) => this.text(name) !== "");
  }

  wholeNumber(name: string | undefined, min: number, max: number): number | undefined {
    if (name === undefined || this.text(name) === "") return undefined;
    const value = Number(this.text(name));
    if (/^\d+$/.test(this.text(name)) && value >= min && value <= max) return value;
    this.refuse(name, `must be a whole number from ${min} to ${max}`);
    return undefined;
  }

  /** False if the variable is not set; the standard has it in any case. */
  flag(name: string | undefined): boolean {
    const text = name === undefined ? "false" : this.text(name).toLowerCase();
    if (text !== "true" && text !== "false") this.refuse(name!, "must be true or false");
    return text === "true";
  }

  oneOf(name: string | undefined, words: readonly string[]): void {
    if (name !== undefined && !words.includes(this.text(name))) this.refuse(name, `must be ${words.join(" or ")}`);
  }

  ratio(name: string): number {
    const text = this.text(name) || "1";
    const value = Number(text);
    if (value >= 0 && value <= 1) return value;
    this.refuse(name, "must be a number from 0 to 1");
    return 1;
  }

  refuse(name: string, rule: string): void {
    this.refuseSecret(name, rule, withoutCredentials(this.text(name)));
  }

  /** `shown` stands for a value that must not be told. */
  refuseSecret(name: string, rule: string, shown: string): void {
    this.#errors.push(`${name} ${rule}: ${name}=${shown}`);
  }
}
