import type { TemplatedApp } from "uWebSockets.js";
import * as Reason from "../../core/values/reason.ts";
import type { ConnectionBound } from "../http/connection-bound.ts";
import type { Peers } from "../link/peers.ts";
import type { Roster } from "../link/roster.ts";
import type { Hello } from "../page/message.ts";
import type { ProcessorConfig } from "../settings/processors.ts";
import { LiveFeed, SAMPLE_INTERVAL_MS } from "./live-feed.ts";
import { LIVE_TOPIC, serveLiveSocket } from "./live-socket.ts";
import { servePageFiles } from "./page-files.ts";
import { ProcessorAdmin } from "./processor-admin.ts";
import { serveSimulation } from "./simulation-api.ts";

export type LivePageOptions = {
  roster: Roster;
  partitionCount: number;
  answerWithinMs: number;
  corsOrigin: string;
  processors: readonly ProcessorConfig[];
  /** Empty: the processors are none of ours to configure. */
  processorAdminToken: string;
};

/** The live page: its files at /, its socket at /live, and its buttons where processors are simulated. */
export class LivePage {
  readonly #peers: Peers;
  readonly #ownReading: () => Promise<string>;
  readonly #options: LivePageOptions;
  readonly #admin: ProcessorAdmin | undefined;
  #feed: LiveFeed | undefined;
  #isClosed = false;

  /** `ownReading`: this instance's reading as JSON. */
  constructor(peers: Peers, ownReading: () => Promise<string>, options: LivePageOptions) {
    const { processors, processorAdminToken } = options;
    this.#peers = peers;
    this.#ownReading = ownReading;
    this.#options = options;
    this.#admin = processorAdminToken === "" ? undefined : new ProcessorAdmin(processors, processorAdminToken);
  }

  /** `clients`: whose connections the pages' sockets are. */
  register(app: TemplatedApp, clients?: ConnectionBound): void {
    const { roster, partitionCount, processors, answerWithinMs, corsOrigin } = this.#options;
    const { self } = roster;
    const instanceCount = (): number => Math.max(self, ...roster.others.keys()) + 1;
    const feed = new LiveFeed({
      self,
      instanceCount,
      ownReading: this.#ownReading,
      peerReadings: () => this.#peers.readings(),
      publish: (message) => app.publish(LIVE_TOPIC, message),
    });
    const hello = (): Hello => ({
      type: "hello",
      instance: self + 1,
      instanceCount: instanceCount(),
      partitionCount,
      processors: processors.map(({ name }) => name),
      feeFractions: processors.map(({ fee }) => Number(fee.text)),
      answerWithinMs,
      reasons: Reason.NAMES,
      intervalMs: SAMPLE_INTERVAL_MS,
      isSimulation: this.#admin !== undefined,
    });
    let toldCount = instanceCount();
    roster.onChange(() => {
      if (this.#isClosed || toldCount === instanceCount()) return;
      toldCount = instanceCount();
      app.publish(LIVE_TOPIC, JSON.stringify(hello()));
    });
    this.#feed = feed;
    servePageFiles(app);
    serveLiveSocket(app, feed, hello, corsOrigin, clients);
    if (this.#admin) serveSimulation(app, this.#admin);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#feed?.stop();
    await this.#admin?.close();
  }
}
