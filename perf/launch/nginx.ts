import { findProgram } from "./programs.ts";

export type NginxShape = {
  readonly host: string;
  readonly port: number;
  readonly instanceCount: number;
  /** Whether it refuses payments above its rate, which is that of a CPU limit. */
  readonly hasPaymentRate: boolean;
};

const LISTEN_LINE = /^([ \t]*listen[ \t]+)9999\b/gm;
const PAYMENT_RATE_LINE = /^[ \t]*limit_req [^\n]*\n/gm;
const INSTANCE_LINES = /(?:^[ \t]*server unix:instance-\d+\.sock[^\n]*\n)+/gm;

/**
 * The repository's nginx.conf for another address, another number of instances, or without its rate; everything else
 * stays as it is.
 */
export function renderNginxConf(conf: string, { host, port, instanceCount, hasPaymentRate }: NginxShape): string {
  requireMatches("listen 9999", conf, LISTEN_LINE);
  requireMatches("server unix:instance-N.sock", conf, INSTANCE_LINES);
  requireMatches("limit_req", conf, PAYMENT_RATE_LINE);
  const rendered = conf
    .replace(LISTEN_LINE, `$1${host}:${port}`)
    .replace(INSTANCE_LINES, (block) => instanceServers(block, instanceCount));
  return hasPaymentRate ? rendered : rendered.replace(PAYMENT_RATE_LINE, "");
}

/** The order is the instances' numbers: the hash that picks which of them is asked first counts on it. */
function instanceServers(block: string, instanceCount: number): string {
  const first = block.slice(0, block.indexOf("\n") + 1);
  const lines = Array.from({ length: instanceCount }, (_, i) => first.replace(/instance-\d+/, `instance-${i + 1}`));
  return lines.join("");
}

function requireMatches(name: string, conf: string, pattern: RegExp): void {
  if (conf.match(pattern) === null) throw new Error(`nginx.conf must have the line: line=${name}`);
}

export function findNginx(pathVariable?: string): string {
  const nginx = findProgram("nginx", pathVariable);
  if (nginx === undefined)
    throw new Error(
      "nginx must be installed: nginx=none (apt-get install nginx, or go without: BALANCER=none npm start)",
    );
  return nginx;
}
