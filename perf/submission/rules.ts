import { parse } from "yaml";

const CPUS_MAX = 1.5;
const MEMORY_MB_MAX = 350;
const PORT = "9999";
const PLATFORM = "linux/amd64";
const PROCESSOR_NETWORK = "payment-processor";
const FORBIDDEN_KEYS = ["build", "privileged", "network_mode", "replicas", "scale"];

type Service = {
  readonly image?: string;
  readonly platform?: string;
  readonly ports?: readonly unknown[];
  readonly deploy?: { readonly resources?: { readonly limits?: { readonly cpus?: string; readonly memory?: string } } };
};

type Compose = {
  readonly services?: Readonly<Record<string, Service>>;
  readonly networks?: Readonly<Record<string, { readonly external?: boolean; readonly driver?: string } | null>>;
};

/** What the contest would refuse in a compose file, one `rule: name=value` each. */
export function brokenRules(composeText: string): string[] {
  const compose = parse(composeText, { merge: true }) as Compose;
  const services = Object.entries(compose.services ?? {});
  return [
    ...keysIn(compose)
      .filter((key) => FORBIDDEN_KEYS.includes(key))
      .map((key) => `the contest forbids a key: key=${key}`),
    ...services.flatMap(([name, service]) => brokenByService(name, service)),
    ...brokenBySums(services.map(([, service]) => service)),
    ...brokenByPorts(services.flatMap(([, { ports = [] }]) => ports)),
    ...brokenByNetworks(compose.networks ?? {}),
  ];
}

function brokenByService(name: string, { image, platform }: Service): string[] {
  return [
    ...(image === undefined ? [`a service must be made of an image: service=${name}`] : []),
    ...(platform === PLATFORM ? [] : [`a service must be for ${PLATFORM}: service=${name} platform=${platform}`]),
  ];
}

/** A service without a limit has no sum. */
function brokenBySums(services: readonly Service[]): string[] {
  const limits = services.map(({ deploy }) => deploy?.resources?.limits);
  const cpus = limits.reduce((sum, limit) => sum + Number(limit?.cpus), 0);
  const memoryMb = limits.reduce((sum, limit) => sum + Number(/^(\d+)MB$/.exec(limit?.memory ?? "")?.[1]), 0);
  return [
    // Sums of decimals: 0.3 + 0.6 + 0.6 is a little more than 1.5.
    ...(cpus <= CPUS_MAX + 1e-9 ? [] : [`all services together may have ${CPUS_MAX} CPUs: cpus=${cpus}`]),
    ...(memoryMb <= MEMORY_MB_MAX ? [] : [`all services together may have ${MEMORY_MB_MAX}MB: memoryMb=${memoryMb}`]),
  ];
}

function brokenByPorts(ports: readonly unknown[]): string[] {
  const published = ports.map((port) => String(port).split(":")[0]);
  return published.includes(PORT) ? [] : [`port ${PORT} must be published: ports=${ports.join(",")}`];
}

function brokenByNetworks(networks: NonNullable<Compose["networks"]>): string[] {
  const own = Object.entries(networks).filter(([name]) => name !== PROCESSOR_NETWORK);
  return [
    ...(networks[PROCESSOR_NETWORK]?.external === true
      ? []
      : [`a network must be external: network=${PROCESSOR_NETWORK}`]),
    ...own
      .filter(([, network]) => (network?.driver ?? "bridge") !== "bridge")
      .map(([name, network]) => `a network must be a bridge: network=${name} driver=${network?.driver}`),
  ];
}

/** At any depth: what is forbidden is forbidden everywhere. */
function keysIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(keysIn);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...keysIn(inner)]);
}
