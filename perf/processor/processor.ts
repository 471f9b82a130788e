import uws, { type TemplatedApp, type us_listen_socket } from "uWebSockets.js";
import { createServer } from "node:net";
import { addAdminRoutes } from "./admin-routes.ts";
import { ArrivalLog } from "./arrival-log.ts";
import { Charges } from "./charges.ts";
import { monotonicClock } from "./clock.ts";
import { ConcurrencyLimiter } from "./concurrency-limiter.ts";
import { addConfigurationRoutes } from "./configuration-routes.ts";
import { readFee } from "./fee.ts";
import { Front } from "./front.ts";
import { type HealthCall, HealthRoute } from "./health-route.ts";
import { HealthWindow } from "./health-window.ts";
import { HOME_PAGE } from "./home-page.ts";
import { InsertPool } from "./insert-pool.ts";
import { answerEmpty, answerHtml, hideServerName } from "./kestrel.ts";
import { LookupRoute } from "./lookup-route.ts";
import type { MisbehaviourJson } from "./misbehaviour-reader.ts";
import { Misbehaviours } from "./misbehaviours.ts";
import { PaymentsRoute, type QueuedHangUp } from "./payments-route.ts";
import type { Settings } from "./settings.ts";
import { Settlement } from "./settlement.ts";
import { TimerSlack } from "./timer-slack.ts";

export type ProcessorOptions = {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Share of every amount, from 0 to 1 with at most 12 decimals. */
  readonly fee: number;
  readonly token: string;
  readonly healthWindowMs: number;
  readonly inFlightCountMax: number;
  readonly queuedCountMax: number;
  readonly queuedHangUp: QueuedHangUp;
  /** A delay lasts longer by up to so many milliseconds. */
  readonly timerSlackMsMax: number;
  /** Connections to the database: inserts that take time take place on one each. */
  readonly connectionCountMax: number;
  /** How long an insert waits for a connection. */
  readonly connectionWaitMsMax: number;
  /**
   * Takes connections in front of uWebSockets.js, for misbehaviour that needs the bare connection. Costs throughput.
   */
  readonly front: boolean;
};

export const defaultOptions: ProcessorOptions = {
  host: "127.0.0.1",
  port: 0,
  fee: 0.05,
  token: "123",
  healthWindowMs: 5000,
  inFlightCountMax: 800,
  queuedCountMax: 500,
  queuedHangUp: "charge",
  timerSlackMsMax: 3,
  connectionCountMax: 20,
  connectionWaitMsMax: 15_000,
  front: false,
};

const HELD_HEALTH_CALLS_MAX = 2;
const REMEMBERED_HEALTH_CALLS = 1000;

/** A processor running in this process. What a tool would ask over HTTP can be had, and set, directly. */
export type RunningProcessor = {
  readonly port: number;
  readonly url: string;
  readonly settings: Settings;
  readonly charges: Charges;
  readonly healthArrivals: ArrivalLog;
  readonly limiter: Pick<ConcurrencyLimiter, "inFlightCount" | "queuedCount">;
  /** What it does wrong from now on, nothing if there is none. Throws the rule that is broken. */
  misbehave(...misbehaviours: readonly MisbehaviourJson[]): void;
  /** Drops every connection; payments still sleeping are never charged. */
  close(): void;
};

/** Rejects with a one-line `rule: name=value` error when an option is wrong or the port cannot be had. */
export async function startProcessor(options: Partial<ProcessorOptions> = {}): Promise<RunningProcessor> {
  const chosen = { ...defaultOptions, ...options };
  const fee = readFee(String(chosen.fee));
  if (fee === undefined) throw new Error(`fee must be a decimal from 0 to 1: fee=${chosen.fee}`);
  const settings: Settings = { delayMs: 0, failing: false, token: chosen.token };
  const charges = new Charges();
  const healthArrivals = new ArrivalLog(REMEMBERED_HEALTH_CALLS);
  const limiter = new ConcurrencyLimiter(chosen);
  const misbehaviours = new Misbehaviours(chosen.front);
  const front = chosen.front ? new Front() : undefined;
  const routes = makeRoutes({ chosen, settings, charges, healthArrivals, limiter, misbehaviours, front });

  const app = makeApp(routes);
  addAdminRoutes(app, { charges, healthArrivals, settings, fee });
  addConfigurationRoutes(app, settings, misbehaviours);

  const close = (): void => {
    front?.close();
    // Closing the connections may still let queued payments start, so their timers go last.
    app.close();
    routes.close();
  };
  const port = await listen(app, front, chosen.host, chosen.port);
  if (port === undefined) {
    close();
    throw new Error(await reasonNotListening(chosen.host, chosen.port));
  }
  return {
    port,
    url: `http://${chosen.host}:${port}`,
    settings,
    charges,
    healthArrivals,
    limiter,
    misbehave(...wished) {
      const rule = misbehaviours.change(wished);
      if (rule !== undefined) throw new Error(rule);
    },
    close,
  };
}

function makeApp(routes: Routes): TemplatedApp {
  hideServerName();
  const app = uws.App();
  routes.addTo(app);
  app.get("/", (res) => answerHtml(res, HOME_PAGE));
  app.any("/*", (res) => answerEmpty(res, 404));
  return app;
}

type RouteParts = {
  readonly chosen: ProcessorOptions;
  readonly settings: Settings;
  readonly charges: Charges;
  readonly healthArrivals: ArrivalLog;
  readonly limiter: ConcurrencyLimiter;
  readonly misbehaviours: Misbehaviours;
  readonly front: Front | undefined;
};

/** What anybody may call, with the timers behind it. */
type Routes = {
  addTo(app: TemplatedApp): void;
  close(): void;
};

function makeRoutes({ chosen, healthArrivals, ...parts }: RouteParts): Routes {
  const clock = monotonicClock;
  const shared = { ...parts, clock, retryAfterSeconds: Math.ceil(chosen.healthWindowMs / 1000) };
  const { connectionCountMax, connectionWaitMsMax: waitMsMax, queuedHangUp } = chosen;
  const pool = new InsertPool({ connectionCountMax, waitMsMax }, clock);
  const settlement = new Settlement({ ...parts, pool });
  const slack = new TimerSlack(chosen.timerSlackMsMax);
  const payments = new PaymentsRoute({ ...shared, settlement, slack, queuedHangUp });
  const lookups = new LookupRoute(shared);
  const window = new HealthWindow<HealthCall>({ windowMs: chosen.healthWindowMs, heldCountMax: HELD_HEALTH_CALLS_MAX });
  const health = new HealthRoute({ ...shared, arrivals: healthArrivals, window });
  return {
    addTo(app) {
      app.post("/payments", (res, req) => payments.post(res, req));
      app.get("/payments/service-health", (res, req) => health.get(res, req));
      app.get("/payments/:correlationId", (res, req) => lookups.get(res, req));
    },
    close() {
      for (const closing of [payments, health, pool]) closing.close();
    },
  };
}

/** The port it has got, or undefined. With a front, uWebSockets.js itself listens where only the front knows. */
async function listen(
  app: TemplatedApp,
  front: Front | undefined,
  host: string,
  port: number,
): Promise<number | undefined> {
  if (front === undefined) return listenExclusively(app, host, port);
  const upstreamPort = listenExclusively(app, "127.0.0.1", 0);
  if (upstreamPort === undefined) return undefined;
  return front.listen(host, port, upstreamPort).catch(() => undefined);
}

/** LIBUS_LISTEN_EXCLUSIVE_PORT: without it, two processors on one port would share its connections without a word. */
const EXCLUSIVE_PORT = 1;

/** uWebSockets.js takes host, port and options together, but its declarations do not say so. */
type ExclusiveListener = {
  listen(host: string, port: number, options: number, onListening: (socket: us_listen_socket | false) => void): void;
};

function listenExclusively(app: TemplatedApp, host: string, port: number): number | undefined {
  let boundPort: number | undefined;
  // Called before `listen` returns.
  (app as unknown as ExclusiveListener).listen(host, port, EXCLUSIVE_PORT, (socket) => {
    if (socket !== false) boundPort = uws.us_socket_local_port(socket);
  });
  return boundPort;
}

/** uWebSockets.js only says that it did not work; asking the system the same again tells why. */
function reasonNotListening(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(`port already in use: port=${port}`);
      else if (error.code === "EACCES") resolve(`port not permitted: port=${port}`);
      else resolve(`cannot listen (${error.code ?? error.message}): host=${host} port=${port}`);
    });
    probe.listen({ host, port, exclusive: true }, () => {
      probe.close(() => resolve(`port already in use: port=${port}`));
    });
  });
}
