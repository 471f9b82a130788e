import { WebSocket } from "undici";

type Environment = Readonly<Record<string, string>>;

/** What somebody does to an instance during a load. Returns how to end it, which tells how many times it was done. */
type Watcher = (port: number) => () => Promise<number>;

/** A way to watch an instance, set against an instance that serves as many payments at the same time. */
export type Comparison = {
  readonly name: string;
  readonly watched: Environment;
  /** The other instance. Where it is the same object, the two take turns at being watched. */
  readonly unwatched: Environment;
  /** Part of the watched instance's payments that come with a sampled trace context, 0 to 1. */
  readonly sampledShare: number;
  readonly watcher?: Watcher | undefined;
};

/** Prometheus' own habit is 15 s or more. */
const SCRAPE_INTERVAL_MS = 1000;

/** `collectorUrl`: where spans go, gathered for `gatherMs`. */
export function comparisonsWith(collectorUrl: string, gatherMs: number): readonly Comparison[] {
  const asItComes: Environment = {};
  const traced: Environment = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl,
    // What has no context is not sampled: the load alone decides.
    OTEL_TRACES_SAMPLER: "parentbased_always_off",
    OTEL_BSP_SCHEDULE_DELAY: String(gatherMs),
  };
  const traces = (percent: number): Comparison => ({
    name: `traces ${percent} %`,
    watched: traced,
    unwatched: traced,
    sampledShare: percent / 100,
  });
  return [
    { name: "as it comes", watched: asItComes, unwatched: { METRICS: "false", PAGE: "false" }, sampledShare: 0 },
    { name: "metrics scraped", watched: asItComes, unwatched: asItComes, sampledShare: 0, watcher: scrape },
    { name: "page open", watched: asItComes, unwatched: asItComes, sampledShare: 0, watcher: openPage },
    { name: "traces 0 %", watched: traced, unwatched: asItComes, sampledShare: 0 },
    traces(1),
    traces(10),
    traces(100),
  ];
}

/** Reads the metrics once a second. */
function scrape(port: number): () => Promise<number> {
  let scrapeCount = 0;
  let last: Promise<unknown> = Promise.resolve();
  const read = (): void => {
    scrapeCount++;
    last = fetch(`http://127.0.0.1:${port}/metrics`).then((response) => {
      if (!response.ok) throw new Error(`metrics must be there: status=${response.status}`);
      return response.text();
    });
    // Looked at when the load is over.
    last.catch(() => {});
  };
  read();
  const timer = setInterval(read, SCRAPE_INTERVAL_MS);
  return async () => {
    clearInterval(timer);
    await last;
    return scrapeCount;
  };
}

/** Listens as a page does, without a browser to draw it. */
function openPage(port: number): () => Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/live`);
  let messageCount = 0;
  socket.addEventListener("message", () => messageCount++);
  return async () => {
    socket.close();
    if (messageCount === 0) throw new Error("the page must be told something: messages=0");
    return messageCount;
  };
}
