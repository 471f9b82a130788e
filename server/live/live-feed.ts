/** From one sample to the next. */
export const SAMPLE_INTERVAL_MS = 1000;

export type LiveSources = {
  /** This instance's number, from 0. */
  self: number;
  /** How many are shown, by number from 0; one that is not there is shown as such. */
  instanceCount: () => number;
  /** This instance's reading as JSON. */
  ownReading: () => Promise<string>;
  /** The other instances' readings as JSON, by number from 0; one that is missing did not answer. */
  peerReadings: () => Promise<ReadonlyMap<number, string>>;
  publish: (message: string) => void;
};

/**
 * One sample a second of all instances together, for as long as somebody looks. With nobody looking there is no timer,
 * and no instance is asked for anything.
 */
export class LiveFeed {
  readonly #sources: LiveSources;
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  #viewerCount = 0;
  #isSampling = false;

  constructor(sources: LiveSources, intervalMs = SAMPLE_INTERVAL_MS) {
    this.#sources = sources;
    this.#intervalMs = intervalMs;
  }

  get viewerCount(): number {
    return this.#viewerCount;
  }

  viewerCame(): void {
    this.#viewerCount++;
    this.#timer ??= setInterval(() => void this.#sample(), this.#intervalMs);
    // Whoever comes sees something at once.
    void this.#sample();
  }

  viewerLeft(): void {
    this.#viewerCount--;
    if (this.#viewerCount === 0) this.stop();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** One at a time: when the journal's disk is slow the page gets fewer samples, not a queue of them. */
  async #sample(): Promise<void> {
    if (this.#isSampling) return;
    this.#isSampling = true;
    const { self, instanceCount, ownReading, peerReadings, publish } = this.#sources;
    const [own, others] = await Promise.all([ownReading(), peerReadings()]);
    this.#isSampling = false;
    if (this.#timer === undefined) return;
    const readings = Array.from({ length: instanceCount() }, (_, i) => (i === self ? own : (others.get(i) ?? "null")));
    publish(`{"type":"sample","instances":[${readings.join(",")}]}`);
  }
}
