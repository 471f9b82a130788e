import { createRequire } from "node:module";

type Pretty = typeof import("pino-pretty");

/** Shows the instances' JSON lines to people. Here and not in the instances, whose time is the payments'. */
export class LogPrinter {
  readonly #isPretty: boolean;
  readonly #isColored: boolean;
  #prettify: ((line: string) => string) | undefined;

  constructor(isPretty: boolean, isColored: boolean) {
    this.#isPretty = isPretty;
    this.#isColored = isColored;
  }

  /** The text to show for a line, its end included. What is not JSON stays as it is. */
  print(line: string): string {
    if (!this.#isPretty || !line.startsWith("{")) return `${line}\n`;
    this.#prettify ??= prettifier(this.#isColored);
    return this.#prettify(line);
  }
}

/** Loaded with the first line, of which there is usually none: loading it would be a good part of the start. */
function prettifier(isColored: boolean): (line: string) => string {
  const { prettyFactory } = createRequire(import.meta.url)("pino-pretty") as Pretty;
  return prettyFactory({
    colorize: isColored,
    colorizeObjects: isColored,
    singleLine: true,
    translateTime: "SYS:HH:MM:ss.l",
    ignore: "instance",
    messageFormat: "{if instance}[instance {instance}] {end}{msg}",
  });
}
