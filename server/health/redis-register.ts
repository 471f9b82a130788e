import type { RedisClientType } from "redis";
import type { PollResult } from "../meters/poll-report.ts";
import type { NameLookup } from "../system/name-lookup.ts";
import { NEWS_MS_MAX, type PollNews, type PollRegister, type RegisterListener } from "./poll-register.ts";
import type { ProcessorKey } from "./processor-key.ts";

const CONNECT_MS_MAX = 3000;
/** Two commands for each of sixteen processors, and what a start sends. */
const COMMANDS_MAX = 128;
const DEFAULT_PORT = 6379;

/** KEYS: the right, the news. ARGV: token, ms that the right lasts; and, if there are news, they and their lifetime. */
const KEEP = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if ARGV[3] then
  redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
  redis.call('PUBLISH', KEYS[2], ARGV[3])
end`;

/**
 * A connection to Redis 6, Valkey, or newer. For each processor there are two keys, of which the second is the name of
 * a channel as well:
 *
 *   rinha:{<name>:<hash of the URL>}:poll      the token of whoever may poll; ends with the right
 *   rinha:{<name>:<hash of the URL>}:health    <token> <failing, 0 or 1> <minResponseTime in ms>; lives for a minute
 *
 * The braces keep both on one node of a cluster. There are no retries and no queue for worse times in here: when the
 * connection ends, everything under way fails.
 */
export class RedisRegister implements PollRegister {
  readonly ready: Promise<void>;
  readonly #keys: readonly { right: string; news: string }[];
  readonly #listener: RegisterListener;
  #client: RedisClientType | undefined;
  #isClosed = false;

  /** `url`: redis or rediss. The client's code is loaded now, not before. */
  constructor(url: URL, processors: readonly ProcessorKey[], names: NameLookup, listener: RegisterListener) {
    this.#keys = processors.map(({ name, urlHash }) => {
      const prefix = `rinha:{${name}:${urlHash}}`;
      return { right: `${prefix}:poll`, news: `${prefix}:health` };
    });
    this.#listener = listener;
    this.ready = this.#connect(url, names);
  }

  async take(processor: number, token: string, forMs: number): Promise<boolean> {
    const options = { condition: "NX", expiration: { type: "PX", value: forMs } } as const;
    return (await this.#client!.set(this.#keys[processor]!.right, token, options)) === "OK";
  }

  async keep(processor: number, token: string, forMs: number, result?: PollResult): Promise<void> {
    const { right, news } = this.#keys[processor]!;
    const told = result ? [textOf(token, result), String(NEWS_MS_MAX)] : [];
    await this.#client!.eval(KEEP, { keys: [right, news], arguments: [token, String(forMs), ...told] });
  }

  close(): void {
    this.#isClosed = true;
    this.#client?.destroy();
  }

  async #connect(url: URL, names: NameLookup): Promise<void> {
    const { createClient } = await import("redis");
    if (this.#isClosed) return;
    const client = createClient({
      socket: {
        host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
        port: Number(url.port || DEFAULT_PORT),
        ...(url.protocol === "rediss:" ? { tls: true } : {}),
        lookup: names.lookup,
        connectTimeout: CONNECT_MS_MAX,
        reconnectStrategy: false,
      },
      ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
      ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
      database: Number(url.pathname.slice(1)),
      disableOfflineQueue: true,
      commandsQueueMaxLength: COMMANDS_MAX,
      maintNotifications: "disabled",
    }) as unknown as RedisClientType;
    this.#client = client;
    client.on("error", (error: unknown) => {
      if (!this.#isClosed) this.#listener.lost(error);
    });
    await client.connect();
    // First the messages, then the keys: nothing is missed in between.
    await client.subscribe(
      this.#keys.map(({ news }) => news),
      (text, channel) =>
        this.#told(
          this.#keys.findIndex(({ news }) => news === channel),
          text,
          0,
        ),
    );
    await Promise.all(this.#keys.map((_, processor) => this.#read(client, processor)));
  }

  async #read(client: RedisClientType, processor: number): Promise<void> {
    const { news } = this.#keys[processor]!;
    const [text, livesMs] = await Promise.all([client.get(news), client.pTTL(news)]);
    if (typeof text === "string") this.#told(processor, text, NEWS_MS_MAX - livesMs);
  }

  #told(processor: number, text: string, ageMs: number): void {
    const news = newsOf(text, ageMs);
    if (news !== undefined && processor >= 0 && !this.#isClosed) this.#listener.told(processor, news);
  }
}

function textOf(token: string, { failing, minResponseMs }: PollResult): string {
  return `${token} ${failing ? 1 : 0} ${Math.round(minResponseMs)}`;
}

/** Undefined when it is not ours. */
function newsOf(text: string, ageMs: number): PollNews | undefined {
  const match = /^([0-9a-f]{16}) ([01]) (\d{1,7})$/.exec(text);
  if (match === null) return undefined;
  const result = { failing: match[2] === "1", minResponseMs: Number(match[3]) };
  return { token: match[1]!, result, ageMs: Math.max(0, ageMs) };
}
