import { randomUUID } from "node:crypto";
import { withoutCredentials } from "../../server/text/url-credentials.ts";
import type { ChildName } from "./plans.ts";
import type { ProcessorWish } from "./processors.ts";
import type { Topology } from "./topology.ts";

/** What a person wants to know once all is up: what runs where, and what to do with it. */
export function startText(topology: Topology, processors: readonly ProcessorWish[]): string {
  const { url, instanceCount } = topology;
  const numbers = Array.from({ length: instanceCount }, (_, i) => i + 1);
  const sockets = numbers.map((number) => topology.operatorsSocket(number));
  const payment = `{"correlationId":"${randomUUID()}","amount":19.90}`;
  return `
live page ${url}/
service   ${url}  ${balancerText(topology)}
${numbers.map((number) => instanceLine(topology, number)).join("\n")}
${[...storeLines(topology), ...processorLines(topology, processors)].join("\n")}

try:
  curl -i ${url}/payments -H 'content-type: application/json' -d '${payment}'
  curl ${url}/payments-summary
  curl --unix-socket ${sockets[0]} http://instance/metrics
  npm run doubts -- list ${sockets.map((socket) => `--at unix:${socket}`).join(" ")}

Ctrl-C ends all of it.`;
}

function balancerText(topology: Topology): string {
  const isBalanced = topology.instanceUrl(1) === undefined;
  return isBalanced ? `nginx ${pidText(topology, "nginx")}` : "no balancer: every instance takes every request";
}

function instanceLine(topology: Topology, number: number): string {
  const where = topology.instanceUrl(number) ?? topology.instanceSocket(number);
  return `instance  ${where}  ${pidText(topology, `instance-${number}`)}`;
}

/** Without user and password, which may be among the parameters too. */
function storeLines({ storeUrl }: Topology): string[] {
  return storeUrl === "" ? [] : [`store     ${withoutCredentials(storeUrl.replace(/\?.*/, ""))}`];
}

function processorLines(topology: Topology, processors: readonly ProcessorWish[]): string[] {
  const nameWidth = Math.max(9, ...processors.map(({ name }) => name.length));
  return processors.map(({ name, fee, url }) => {
    const own = url === undefined ? pidText(topology, `processor-${name}`) : "not ours";
    // A URL may have a password in it.
    const shown = url === undefined ? topology.processorUrls[name]! : withoutCredentials(url);
    return `${name.padEnd(nameWidth)} ${shown}  fee ${+(fee * 100).toFixed(10)} %  ${own}`;
  });
}

function pidText(topology: Topology, name: ChildName): string {
  return `pid ${topology.processes.find((child) => child.name === name)?.pid}`;
}
