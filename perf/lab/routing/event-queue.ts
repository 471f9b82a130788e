/**
 * Events in the order of their time, and of being added where the times are equal: a binary heap over typed arrays. An
 * event is a kind and two numbers.
 */
export class EventQueue {
  #atMs = new Float64Array(1024);
  #order = new Float64Array(1024);
  #kind = new Uint8Array(1024);
  #first = new Int32Array(1024);
  #second = new Int32Array(1024);
  #count = 0;
  #added = 0;
  /** Of the event that was taken last. */
  atMs = 0;
  kind = 0;
  first = 0;
  second = 0;

  get nextAtMs(): number {
    return this.#count === 0 ? Number.POSITIVE_INFINITY : this.#atMs[0]!;
  }

  add(atMs: number, kind: number, first: number, second = 0): void {
    if (this.#count === this.#atMs.length) this.#grow();
    const at = this.#count++;
    this.#put(at, atMs, this.#added++, kind, first, second);
    this.#rise(at);
  }

  /** False when there is none. */
  take(): boolean {
    if (this.#count === 0) return false;
    this.atMs = this.#atMs[0]!;
    this.kind = this.#kind[0]!;
    this.first = this.#first[0]!;
    this.second = this.#second[0]!;
    this.#count--;
    this.#copy(this.#count, 0);
    this.#sink();
    return true;
  }

  #rise(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(): void {
    for (let at = 0; ; ) {
      let least = at;
      for (let child = 2 * at + 1; child <= 2 * at + 2 && child < this.#count; child++)
        if (this.#isBefore(child, least)) least = child;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    return this.#atMs[a]! < this.#atMs[b]! || (this.#atMs[a] === this.#atMs[b] && this.#order[a]! < this.#order[b]!);
  }

  #swap(a: number, b: number): void {
    const [atMs, order, kind, first, second] = [
      this.#atMs[a]!,
      this.#order[a]!,
      this.#kind[a]!,
      this.#first[a]!,
      this.#second[a]!,
    ];
    this.#copy(b, a);
    this.#put(b, atMs, order, kind, first, second);
  }

  #copy(from: number, to: number): void {
    this.#put(to, this.#atMs[from]!, this.#order[from]!, this.#kind[from]!, this.#first[from]!, this.#second[from]!);
  }

  #put(at: number, atMs: number, order: number, kind: number, first: number, second: number): void {
    this.#atMs[at] = atMs;
    this.#order[at] = order;
    this.#kind[at] = kind;
    this.#first[at] = first;
    this.#second[at] = second;
  }

  #grow(): void {
    const size = this.#atMs.length * 2;
    const grown = <Column extends Float64Array | Uint8Array | Int32Array>(column: Column, made: Column): Column => {
      made.set(column);
      return made;
    };
    this.#atMs = grown(this.#atMs, new Float64Array(size));
    this.#order = grown(this.#order, new Float64Array(size));
    this.#kind = grown(this.#kind, new Uint8Array(size));
    this.#first = grown(this.#first, new Int32Array(size));
    this.#second = grown(this.#second, new Int32Array(size));
  }
}
