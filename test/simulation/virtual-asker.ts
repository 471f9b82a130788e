import type { Answer } from "../../server/http/answer.ts";
import type { Asker } from "../../server/http/exchange.ts";
import type { Process } from "./process.ts";

/** Whoever asked a process: told nothing any more once that is over. */
export class VirtualAsker implements Asker {
  readonly #process: Process;
  readonly #tell: (answer: Answer) => void;

  constructor(process: Process, tell: (answer: Answer) => void) {
    this.#process = process;
    this.#tell = tell;
  }

  answer(answer: Answer): void {
    if (!this.#process.isOver) this.#tell(answer);
  }

  answerAccepted(location: string): void {
    this.answer({ status: 202, headers: [["Location", location]] });
  }
}
