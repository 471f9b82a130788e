import { prettyFactory } from "pino-pretty";

/** Shows the instances' JSON lines to people. Here and not in the instances, whose time is the payments'. */
export class LogPrinter {
  readonly #prettify: ((line: string) => string) | undefined;

  constructor(isPretty: boolean, isColored: boolean) {
    if (!isPretty) return;
    this.#prettify = prettyFactory({
      colorize: isColored,
      colorizeObjects: isColored,
      singleLine: true,
      translateTime: "SYS:HH:MM:ss.l",
      ignore: "instance",
      messageFormat: "{if instance}[instance {instance}] {end}{msg}",
    });
  }

  /** The text to show for a line, its end included. What is not JSON stays as it is. */
  print(line: string): string {
    if (this.#prettify === undefined || !line.startsWith("{")) return `${line}\n`;
    return this.#prettify(line);
  }
}
