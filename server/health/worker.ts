/**
 * The health monitor's thread: polls when it is this instance's turn, hears of the others' polls, writes the snapshot.
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { HealthSnapshot } from "../../core/routing/health-snapshot.ts";
import type { PollReport } from "../meters/poll-report.ts";
import type { Target } from "../sending/endpoint.ts";
import type { Address } from "../system/address.ts";
import { healthLinkMax } from "../system/descriptors.ts";
import { NameLookup } from "../system/name-lookup.ts";
import { resolveThrough } from "../system/name-lookup-port.ts";
import { RealNetwork } from "../system/real-network.ts";
import { RealTime } from "../system/time.ts";
import { HealthEndpoint } from "./health-endpoint.ts";
import { HealthLinkClient, HealthLinkServer } from "./health-link.ts";
import { PeerConsent } from "./peer-consent.ts";
import { keepIn, Polling } from "./polling.ts";
import { processorKey } from "./processor-key.ts";
import { NO_PEER_CONSENT, RegisterConsent } from "./register-consent.ts";
import { type RegisterUrls, registerOf } from "./register-urls.ts";

export type HealthWorkerData = RegisterUrls & {
  self: number;
  /** Health link address of every instance, in order; empty for a single instance. */
  addresses: readonly Address[];
  /** `url` as text: a URL cannot be handed to a thread. */
  processors: readonly (Omit<Target, "url"> & { name: string; url: string })[];
  snapshot: SharedArrayBuffer;
  /** Where names are looked up, for the whole process. */
  namesPort: MessagePort;
  /** Whether every poll is reported to the event loop, as a PollReport. */
  reportsPolls: boolean;
};

/** The register of the rights to poll cannot be had, for this reason; or is there again. */
export type RegisterNote = { registerLost: string | undefined };

const data = workerData as HealthWorkerData;
const { self, addresses, processors, snapshot, namesPort, reportsPolls } = data;
const time = new RealTime();
const names = new NameLookup(resolveThrough(namesPort));
const network = new RealNetwork(names);
const processorNames = processors.map(({ name }) => name);
const peers = addresses
  .filter((_, instance) => instance !== self)
  .map((address) => new HealthLinkClient(address, processorNames, names));
const health = new HealthSnapshot(processors.length, snapshot);
const keys = processors.map(({ name, url }) => processorKey(name, new URL(url)));
const parts = { processorCount: processors.length, time, onHeard: keepIn(health, time) };
const open = registerOf(data, keys, { names, time });
const onStanding = (registerLost: string | undefined): void =>
  parentPort!.postMessage({ registerLost } satisfies RegisterNote);
const consent = open ? new RegisterConsent({ ...parts, open, onStanding }) : new PeerConsent({ ...parts, self, peers });
const polling = new Polling({
  endpoints: processors.map((target) => new HealthEndpoint({ ...target, url: new URL(target.url) }, { network, time })),
  consent,
  health,
  time,
  onReport: reportsPolls ? (report: PollReport) => parentPort!.postMessage(report) : undefined,
});
const handlers = consent instanceof PeerConsent ? consent : NO_PEER_CONSENT;
const server = new HealthLinkServer(handlers, processorNames, healthLinkMax(processors.length, peers.length));

const own = addresses[self];
void Promise.resolve(own && server.listen(own)).then(() => parentPort!.postMessage("ready"));

parentPort!.once("message", () => {
  polling.close();
  for (const peer of peers) peer.close();
  names.close();
  if (own) server.close();
});
