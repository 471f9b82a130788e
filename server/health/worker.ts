/**
 * The health monitor's thread: polls when it is this instance's turn, hears of the others' polls, writes the snapshot.
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { HealthSnapshot } from "../../core/routing/health-snapshot.ts";
import type { PollReport } from "../meters/poll-report.ts";
import type { Address } from "../system/address.ts";
import { HEALTH_LINK_MAX } from "../system/descriptors.ts";
import { NameLookup } from "../system/name-lookup.ts";
import { resolveThrough } from "../system/name-lookup-port.ts";
import { HealthEndpoint } from "./health-endpoint.ts";
import { HealthLinkClient, type HealthLinkHandlers, HealthLinkServer } from "./health-link.ts";
import { PollRights } from "./poll-rights.ts";
import { Poller } from "./poller.ts";

export type HealthWorkerData = {
  self: number;
  /** Health link address of every instance, in order; empty for a single instance. */
  addresses: readonly Address[];
  processorUrls: readonly string[];
  snapshot: SharedArrayBuffer;
  /** Where names are looked up, for the whole process. */
  namesPort: MessagePort;
  /** Whether every poll is reported to the event loop, as a PollReport. */
  reportsPolls: boolean;
};

const { self, addresses, processorUrls, snapshot, namesPort, reportsPolls } = workerData as HealthWorkerData;
const health = new HealthSnapshot(processorUrls.length, snapshot);
const rights = processorUrls.map(() => new PollRights(self, performance.now()));
const peers = addresses.filter((_, instance) => instance !== self).map((address) => new HealthLinkClient(address));
const handlers: HealthLinkHandlers = {
  claim: (processor, from, fromIsFresh) => rights[processor]!.consent(from, fromIsFresh, performance.now()),
  released: (processor, from) => rights[processor]!.released(from),
  polled: (processor, failing, minResponseMs) => {
    rights[processor]!.otherPolled(performance.now());
    health.polled(processor, failing, minResponseMs, Date.now());
  },
};
const server = new HealthLinkServer(handlers, HEALTH_LINK_MAX * peers.length);
const names = new NameLookup(resolveThrough(namesPort));
const onReport = reportsPolls ? (report: PollReport) => parentPort!.postMessage(report) : undefined;
const pollers = processorUrls.map((url, processor) => {
  const onPolled = (result: { failing: boolean; minResponseMs: number }) =>
    health.polled(processor, result.failing, result.minResponseMs, Date.now());
  const endpoint = new HealthEndpoint(new URL(url), names);
  return new Poller(processor, self, endpoint, rights[processor]!, peers, onPolled, onReport);
});

const own = addresses[self];
if (own) await server.listen(own);
parentPort!.postMessage("ready");

parentPort!.once("message", () => {
  for (const poller of pollers) poller.close();
  for (const peer of peers) peer.close();
  names.close();
  if (own) server.close();
});
