/** What one container of the contest may use. */
export type Limit = {
  readonly cpus: number;
  readonly memoryBytes: number;
};

export const MEBIBYTE = 1024 * 1024;

export function limitText({ cpus, memoryBytes }: Limit): string {
  return `${cpus} CPU, ${memoryBytes / MEBIBYTE} MB`;
}

/** `0.3:50` is 0.3 CPU and 50 MB. */
export function readLimit(name: string, text: string): Limit {
  const match = /^(\d+(?:\.\d+)?):(\d+)$/.exec(text);
  const limit = { cpus: Number(match?.[1]), memoryBytes: Number(match?.[2]) * MEBIBYTE };
  if (!(limit.cpus >= 0.01 && limit.memoryBytes >= MEBIBYTE)) {
    throw new Error(`${name} must be CPUS:MEGABYTES such as 0.6:150: ${name}=${text}`);
  }
  return limit;
}
