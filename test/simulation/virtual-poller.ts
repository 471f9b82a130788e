import { CLAIM_ANSWER_MS, PollRights } from "../../server/health/poll-rights.ts";
import type { Life } from "./virtual-host.ts";
import type { HealthAnswer } from "./virtual-processor.ts";
import type { World } from "./world.ts";

const LOOK_INTERVAL_MS = 100;
const RETRY_MS = 200;
const SILENCE_MS_MAX = 30_000;
const POLL_TIMEOUT_MS = 11_000;

type Answer = "consent" | "refusal" | "gone" | "silence";

/** What server/health/poller.ts does, step by step, for one processor; there is one other instance. */
export class VirtualPoller {
  readonly rights: PollRights;
  readonly #world: World;
  readonly #life: Life;
  readonly #processor: number;
  #silentSinceMs: number | undefined;

  constructor(world: World, life: Life, processor: number) {
    this.#world = world;
    this.#life = life;
    this.#processor = processor;
    this.rights = new PollRights(life.instance, this.#nowMs);
    this.#lookAgain();
  }

  /** The other instance has polled. */
  told(answer: HealthAnswer): void {
    this.rights.otherPolled(this.#nowMs);
    this.#life.heardOfHealth(this.#processor, answer);
  }

  get #nowMs(): number {
    return this.#world.clock.nowMs;
  }

  #lookAgain(): void {
    this.#life.after(LOOK_INTERVAL_MS, () => this.#look());
  }

  #look(): void {
    const claimedAtMs = this.#nowMs;
    if (!this.rights.claim(claimedAtMs)) {
      this.#lookAgain();
      return;
    }
    const isFresh = this.rights.isFresh(claimedAtMs);
    this.#ask(
      (peer) => peer.rights.consent(this.#life.instance, isFresh, this.#nowMs),
      (answer) => this.#decide(claimedAtMs, answer),
    );
  }

  #decide(claimedAtMs: number, answer: Answer): void {
    if (this.rights.mayPoll(claimedAtMs, this.#nowMs, this.#isNoObjection(answer))) {
      this.#poll();
      return;
    }
    this.rights.abandon(this.#nowMs + RETRY_MS);
    if (answer !== "consent") {
      this.#lookAgain();
      return;
    }
    const release = (peer: VirtualPoller) => {
      peer.rights.released(this.#life.instance);
      return true;
    };
    this.#ask(release, () => this.#lookAgain());
  }

  #isNoObjection(answer: Answer): boolean {
    if (answer !== "silence") {
      this.#silentSinceMs = undefined;
      return answer !== "refusal";
    }
    this.#silentSinceMs ??= this.#nowMs;
    return this.#nowMs - this.#silentSinceMs > SILENCE_MS_MAX;
  }

  #poll(): void {
    let isOver = false;
    const end = (answer: HealthAnswer | undefined): void => {
      if (isOver) return;
      isOver = true;
      this.rights.polled(this.#nowMs);
      if (answer === undefined) {
        this.#lookAgain();
        return;
      }
      this.#life.heardOfHealth(this.#processor, answer);
      const tell = (peer: VirtualPoller) => {
        peer.told(answer);
        return true;
      };
      this.#ask(tell, () => this.#lookAgain());
    };
    const { clock, network, processors } = this.#world;
    this.#life.after(POLL_TIMEOUT_MS, () => end(undefined));
    // The call is under way even if its caller dies.
    clock.after(network.latencyMs(), () =>
      processors[this.#processor]!.pollHealth((answer) => this.#life.after(network.latencyMs(), () => end(answer))),
    );
  }

  #ask(what: (peer: VirtualPoller) => boolean, onAnswer: (answer: Answer) => void): void {
    let isOver = false;
    const end = (answer: Answer): void => {
      if (isOver) return;
      isOver = true;
      onAnswer(answer);
    };
    const { clock, network, hosts } = this.#world;
    this.#life.after(CLAIM_ANSWER_MS, () => end("silence"));
    clock.after(network.latencyMs(), () => {
      const peer = hosts[1 - this.#life.instance]!.life?.pollers[this.#processor];
      const answer = peer === undefined ? "gone" : what(peer) ? "consent" : "refusal";
      this.#life.after(network.latencyMs(), () => end(answer));
    });
  }
}
