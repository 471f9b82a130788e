import { NO_PROCESSOR } from "../values/processor.ts";

/**
 * Which of today's numbers a processor has that a journal's file knows by another: the name decides. Names that are not
 * configured have the numbers behind the configured ones, so that payments at them are seen, and nothing of theirs is
 * ever taken for another's.
 */
export class ProcessorNumbers {
  readonly configuredCount: number;
  readonly #names: string[];

  /** `configured`: names in the order of their numbers. */
  constructor(configured: readonly string[]) {
    this.configuredCount = configured.length;
    this.#names = [...configured];
  }

  /** Names that files know and nobody has configured. */
  get unknownNames(): readonly string[] {
    return this.#names.slice(this.configuredCount);
  }

  /** Today's number for each of the file's, which are places in `names`; undefined where they are the same. */
  of(names: readonly string[]): Uint8Array | undefined {
    if (names.every((name, number) => this.#names[number] === name)) return undefined;
    const numbers = new Uint8Array(NO_PROCESSOR + 1).fill(NO_PROCESSOR);
    for (const [number, name] of names.entries()) {
      if (!this.#names.includes(name)) this.#names.push(name);
      numbers[number] = this.#names.indexOf(name);
    }
    return numbers;
  }
}
