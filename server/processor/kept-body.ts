/** The first bytes of a body, one character each; the rest is only counted. */
export class KeptBody {
  text = "";
  byteCount = 0;
  readonly #keptBytesMax: number;

  constructor(keptBytesMax: number) {
    this.#keptBytesMax = keptBytesMax;
  }

  get isTruncated(): boolean {
    return this.byteCount > this.text.length;
  }

  clear(): void {
    this.text = "";
    this.byteCount = 0;
  }

  /** Adds what is in `piece` between two positions. Hot: a body in one piece is not copied. */
  add(piece: string, from: number, to: number): void {
    this.byteCount += to - from;
    const room = this.#keptBytesMax - this.text.length;
    if (room === 0 || from === to) return;
    const added = piece.slice(from, Math.min(to, from + room));
    // Joined strings hold on to the whole pieces they were cut from, a copy does not: many small bits stay small.
    this.text = this.text === "" ? added : Buffer.from(this.text + added, "latin1").toString("latin1");
  }
}
