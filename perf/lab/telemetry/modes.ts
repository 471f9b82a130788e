import { WebSocket } from "undici";

/** A way to run an instance, to be compared with the first one. */
export type Mode = {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  /** What somebody does to the instance during a round, such as reading its metrics; returns how to end it. */
  readonly beside?: (port: number) => () => Promise<void>;
};

/** Prometheus' own habit is 15 s or more. */
const SCRAPE_INTERVAL_MS = 1000;

/** `collectorUrl`: where spans go. */
export function modesWith(collectorUrl: string): readonly Mode[] {
  const traces = { OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl, OTEL_TRACES_SAMPLER: "parentbased_traceidratio" };
  return [
    { name: "off", env: { METRICS: "false", PAGE: "false" } },
    { name: "as it comes", env: {} },
    { name: "metrics scraped", env: {}, beside: scrape },
    { name: "page open", env: {}, beside: openPage },
    { name: "traces 1 %", env: { ...traces, OTEL_TRACES_SAMPLER_ARG: "0.01" } },
    { name: "traces 100 %", env: { ...traces, OTEL_TRACES_SAMPLER_ARG: "1" } },
    { name: "everything", env: { ...traces, OTEL_TRACES_SAMPLER_ARG: "0.01" }, beside: scrapeAndLook },
  ];
}

/** Reads the metrics once a second. */
function scrape(port: number): () => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  const read = (): void => {
    last = fetch(`http://127.0.0.1:${port}/metrics`).then((response) => {
      if (!response.ok) throw new Error(`metrics must be there: status=${response.status}`);
      return response.text();
    });
    // Looked at when the round is over.
    last.catch(() => {});
  };
  read();
  const timer = setInterval(read, SCRAPE_INTERVAL_MS);
  return async () => {
    clearInterval(timer);
    await last;
  };
}

/** Listens as a page does, without a browser to draw it. */
function openPage(port: number): () => Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/live`);
  let messageCount = 0;
  socket.addEventListener("message", () => messageCount++);
  return async () => {
    socket.close();
    if (messageCount === 0) throw new Error("the page must be told something: messages=0");
  };
}

function scrapeAndLook(port: number): () => Promise<void> {
  const ends = [scrape(port), openPage(port)];
  return async () => {
    for (const end of ends) await end();
  };
}
