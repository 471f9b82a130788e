import { join } from "node:path";
import type { LifeEnd } from "./child-life.ts";
import { OrphanGuard } from "./orphan-guard.ts";
import {
  type ChildName,
  type InstanceAddress,
  instancePlan,
  nginxPlan,
  operatorsSocketName,
  processorPlan,
  serviceSocketName,
} from "./plans.ts";
import { type ByName, environmentOf, PROCESSOR_HOST, simulatedOf, urlsOf } from "./processors.ts";
import { answersAtAll } from "./readiness.ts";
import { removeRunDirectory } from "./run-directory.ts";
import { SilenceWatch } from "./silence-watch.ts";
import { initStore } from "./store-init.ts";
import { type ChildHooks, type ChildPlan, type ChildState, SupervisedChild } from "./supervisor.ts";
import { settle, type TopologyOptions, type TopologySettings } from "./topology-options.ts";

export type TopologyProcess = {
  readonly name: ChildName;
  /** Undefined while there is no process. */
  readonly pid: number | undefined;
  readonly state: ChildState;
};

/**
 * Starts the processors, the instances and nginx, each a process of its own, and resolves when all of them answer. If
 * anything fails, everything is ended again and nothing is left behind. A store's schema is made first, where missing.
 */
export async function startTopology(options: TopologyOptions = {}): Promise<Topology> {
  options.signal?.throwIfAborted();
  const settings = await settle(options);
  const { storeUrl, commands, hooks } = settings;
  let topology: Topology;
  try {
    if (storeUrl !== "") await initStore({ storeUrl, command: commands.store, hooks }, options.signal);
    topology = new Topology(settings);
  } catch (error) {
    removeRunDirectory(settings.runDir);
    throw error;
  }
  await topology.start(options.signal);
  return topology;
}

/**
 * A running topology. Every process goes by its name: processor-…, instance-1 …, companion-…, nginx.
 */
export class Topology {
  readonly host: string;
  readonly port: number;
  /** Of the service: nginx, or without it the first instance. */
  readonly url: string;
  /** By name, in configured order. */
  readonly processorUrls: ByName<string>;
  readonly instanceCount: number;
  /** Of the PostgreSQL that keeps the payments; empty: journals. */
  readonly storeUrl: string;
  /** Holds the sockets; removed by stop. */
  readonly runDir: string;
  readonly #children: readonly SupervisedChild<ChildName>[];
  readonly #guard: OrphanGuard;
  readonly #hooks: ChildHooks<ChildName>;
  readonly #silenceMs: number;
  readonly #addresses: readonly InstanceAddress[];
  #watches: readonly SilenceWatch[] = [];
  #isStopping = false;

  constructor(settings: TopologySettings) {
    const { host, port, runDir, instanceCount, processors, hooks } = settings;
    this.host = host;
    this.port = port;
    this.url = `http://${host}:${port}`;
    this.runDir = runDir;
    this.instanceCount = instanceCount;
    this.storeUrl = settings.storeUrl;
    this.processorUrls = urlsOf(processors);
    this.#addresses = Array.from({ length: instanceCount }, (_, i) => addressOf(settings, i + 1));
    const plans = [
      ...processorPlans(settings),
      ...instancePlans(settings, this.#addresses),
      ...this.#companionPlans(settings),
      ...(settings.balancer === "nginx" ? [nginxPlanOf(settings)] : []),
    ];
    this.#guard = new OrphanGuard(runDir);
    const guardedHooks = withGuard(hooks, this.#guard);
    this.#children = plans.map((plan) => new SupervisedChild(plan, guardedHooks));
    this.#hooks = guardedHooks;
    this.#silenceMs = settings.silenceMs;
    this.autoRestart = settings.autoRestart;
  }

  set autoRestart(isOn: boolean) {
    for (const child of this.#children) child.autoRestart = isOn;
  }

  get processes(): TopologyProcess[] {
    return this.#children.map(({ name, pid, state }) => ({ name, pid, state }));
  }

  /** Of instance 1, 2 …, behind nginx; for requests that go around that. */
  instanceSocket(instance: number): string {
    return join(this.runDir, serviceSocketName(instance));
  }

  /** Of instance 1, 2 …, without nginx; `undefined` behind it. */
  instanceUrl(instance: number): string | undefined {
    const address = this.#addresses[instance - 1];
    return address === undefined || "socketPath" in address ? undefined : `http://${address.host}:${address.port}`;
  }

  /** Where instance 1, 2 … answers its operators. */
  operatorsSocket(instance: number): string {
    const isBalanced = this.instanceUrl(instance) === undefined;
    return isBalanced ? this.instanceSocket(instance) : join(this.runDir, operatorsSocketName(instance));
  }

  async start(signal?: AbortSignal): Promise<void> {
    const abort = (): void => void this.stop();
    signal?.addEventListener("abort", abort, { once: true });
    try {
      signal?.throwIfAborted();
      // The instances first: they take longest.
      await Promise.all([this.#startService(), this.#start("processor-", "companion-")]);
      signal?.throwIfAborted();
      this.#watches = Array.from({ length: this.instanceCount }, (_, i) => this.#watch(i + 1));
    } catch (error) {
      await this.stop();
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Sends a lethal signal, as from outside; resolves when the process is gone. A restart may follow: see `running`. */
  kill(name: ChildName, signal: NodeJS.Signals = "SIGKILL"): Promise<LifeEnd> {
    return this.#child(name).kill(signal);
  }

  /** Sends a signal that ends nothing, such as SIGSTOP and SIGCONT. */
  signal(name: ChildName, signal: NodeJS.Signals): void {
    this.#child(name).signal(signal);
  }

  /** Ends it in order, if it runs, and starts it; resolves when it is ready. */
  restart(name: ChildName): Promise<void> {
    return this.#child(name).restart();
  }

  /** Resolves when it is (again) ready. */
  running(name: ChildName): Promise<void> {
    return this.#child(name).running();
  }

  /** Its last lines, oldest first; they survive its restarts. */
  logTail(name: ChildName): string[] {
    return this.#child(name).logTail();
  }

  /**
   * From the outside in, so that nobody is asked by anybody who is still there. Leaves no process and no file behind.
   */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#watches.map((watch) => watch.close()));
    for (const prefix of ["nginx", "companion-", "instance-", "processor-"]) {
      await Promise.all(this.#named(prefix).map((child) => child.stop()));
    }
    removeRunDirectory(this.runDir);
    await this.#guard.close();
  }

  /** nginx last: its own /health is an instance's, and each one it cannot reach yet would be an error in its log. */
  async #startService(): Promise<void> {
    await this.#start("instance-");
    if (!this.#isStopping) await this.#start("nginx");
  }

  async #start(...prefixes: readonly string[]): Promise<void> {
    await Promise.all(this.#named(...prefixes).map((child) => child.start()));
  }

  #companionPlans({ companions }: TopologySettings): readonly ChildPlan<ChildName>[] {
    const instanceSockets = Array.from({ length: this.instanceCount }, (_, i) => this.instanceSocket(i + 1));
    return companions({ processorUrls: this.processorUrls, instanceSockets });
  }

  #watch(instance: number): SilenceWatch {
    const child = this.#child(`instance-${instance}`);
    return new SilenceWatch(child, {
      silenceMs: this.#silenceMs,
      ask: (signal) => answersAtAll(this.#addresses[instance - 1]!, signal),
      onSilence: (pid, silentMs) => {
        this.#hooks.onSilence?.(child.name, pid, silentMs);
        void child.kill();
      },
    });
  }

  #named(...prefixes: readonly string[]): SupervisedChild<ChildName>[] {
    return this.#children.filter(({ name }) => prefixes.some((prefix) => name.startsWith(prefix)));
  }

  #child(name: ChildName): SupervisedChild<ChildName> {
    const child = this.#children.find((candidate) => candidate.name === name);
    if (child === undefined) throw new Error(`process must be part of the topology: name=${name}`);
    return child;
  }
}

function processorPlans(settings: TopologySettings): ChildPlan<ChildName>[] {
  const { processors, commands, readyTimeoutMs } = settings;
  return simulatedOf(processors).map(({ name, fee, port }) =>
    processorPlan({
      name,
      host: PROCESSOR_HOST,
      port: port!,
      fee,
      command: commands.processor,
      readyTimeoutMs,
    }),
  );
}

function instancePlans(settings: TopologySettings, addresses: readonly InstanceAddress[]): ChildPlan<ChildName>[] {
  const { commands, processors } = settings;
  const env = { ...settings.env, ...environmentOf(processors) };
  return addresses.map((address, i) =>
    instancePlan({ ...settings, address, env, number: i + 1, command: commands.instance }),
  );
}

function addressOf({ balancer, host, instancePorts, runDir }: TopologySettings, instance: number): InstanceAddress {
  if (balancer === "nginx") return { socketPath: join(runDir, serviceSocketName(instance)) };
  return { host, port: instancePorts[instance - 1]! };
}

function nginxPlanOf(settings: TopologySettings): ChildPlan<ChildName> {
  return nginxPlan({ ...settings, confPath: settings.nginxConfPath, command: settings.commands.nginx });
}

/** The guard hears of every process before anybody else, and of its end as well. */
function withGuard(hooks: ChildHooks<ChildName>, guard: OrphanGuard): ChildHooks<ChildName> {
  return {
    ...hooks,
    onSpawn(name, pid) {
      guard.add(pid);
      hooks.onSpawn?.(name, pid);
    },
    onExit(exit) {
      if (exit.pid !== undefined) guard.remove(exit.pid);
      hooks.onExit?.(exit);
    },
  };
}
