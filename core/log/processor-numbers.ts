import { NO_PROCESSOR } from "../values/processor.ts";

/** For a number that the file's own header does not name. */
export const UNNAMED_PROCESSOR = NO_PROCESSOR - 1;

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

  /** The configured names, and behind them those that files know and nobody has configured. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Today's number for each of the file's, which are places in `names`; undefined where they are the same. */
  of(names: readonly string[]): Uint8Array | undefined {
    if (names.every((name, number) => this.#names[number] === name)) return undefined;
    const numbers = new Uint8Array(NO_PROCESSOR + 1).fill(UNNAMED_PROCESSOR);
    numbers[NO_PROCESSOR] = NO_PROCESSOR;
    for (const [number, name] of names.entries()) numbers[number] = this.#numberOf(name);
    return numbers;
  }

  #numberOf(name: string): number {
    const known = this.#names.indexOf(name);
    if (known >= 0) return known;
    if (this.#names.length === UNNAMED_PROCESSOR)
      throw new Error(`the files of a journal name at most ${UNNAMED_PROCESSOR} processors: name=${name}`);
    return this.#names.push(name) - 1;
  }
}
