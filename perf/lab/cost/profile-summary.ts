/** A .cpuprofile as V8 writes it; times are in microseconds of the monotonic clock. */
export type CpuProfile = {
  readonly nodes: readonly ProfileNode[];
  readonly startTime: number;
  /** The node that was running at each sample, and the time since the sample before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

export type ProfileNode = {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
    readonly columnNumber?: number;
  };
  readonly children?: readonly number[];
};

export type ProfileSummary = {
  /** Idle time is left out. */
  readonly busyMs: number;
  readonly categories: readonly { readonly name: string; readonly selfMs: number }[];
  readonly functions: readonly FunctionTime[];
};

export type FunctionTime = {
  readonly name: string;
  /** File and line, or whose it is. */
  readonly place: string;
  readonly selfMs: number;
};

/** What the clock of a profile, and process.hrtime, say; in microseconds. */
export type ProfileWindow = {
  readonly fromUs: number;
  readonly toUs: number;
};

const FUNCTION_COUNT_MAX = 25;
const IDLE_NAME = "(idle)";

const FILE_SYSTEM = "node:fs";

/** V8's own entries, which are no functions. */
const OF_V8: ReadonlyMap<string, string> = new Map([
  ["(garbage collector)", "garbage collection"],
  ["(program)", "native: uWebSockets, libuv and the kernel, outside JavaScript"],
  ["(root)", "native: uWebSockets, libuv and the kernel, outside JavaScript"],
]);

const STORE = "store (server/lease, server/postgres, pg)";
const ACCEPTING = "accepting (server/api, http, payments, text)";

/** The first that matches. Paths are those of the build. */
export const ROOMS: readonly (readonly [part: string, category: string])[] = [
  ["/build/core/", "engine (core/)"],
  ["/build/server/journal/", "journal"],
  // Nobody else writes files while payments are accepted.
  ["/build/server/system/real-disk.js", "journal"],
  ["/build/server/lease/", STORE],
  ["/build/server/postgres/", STORE],
  ["/node_modules/pg/", STORE],
  ["/node_modules/pg-protocol/", STORE],
  ["/build/server/turn/", "turn (group commit, clock)"],
  ["/build/server/api/", ACCEPTING],
  ["/build/server/http/", ACCEPTING],
  ["/build/server/payments/", ACCEPTING],
  ["/build/server/text/", ACCEPTING],
  ["/build/server/sending/", "sending (server/sending)"],
  ["/build/server/", "rest of server/"],
  ["/node_modules/undici/", "HTTP between the instances (undici)"],
  ["/node_modules/", "other packages"],
  // undici's parser is the one WebAssembly module there is.
  ["wasm://", "HTTP between the instances (undici)"],
  ["node:", "Node.js itself"],
];

/** Adds up what several threads or processes did within the window. */
export function summariseProfiles(profiles: readonly CpuProfile[], window: ProfileWindow): ProfileSummary {
  const byCategory = new Map<string, number>();
  const byFunction = new Map<string, { name: string; place: string; selfMs: number }>();
  let busyMs = 0;
  for (const profile of profiles) {
    const categoryOf = categorise(profile.nodes);
    for (const [node, selfUs] of selfTimes(profile, window)) {
      if (node.callFrame.functionName === IDLE_NAME) continue;
      const selfMs = selfUs / 1000;
      const category = categoryOf(node);
      busyMs += selfMs;
      byCategory.set(category, (byCategory.get(category) ?? 0) + selfMs);
      const [name, place] = [node.callFrame.functionName || "(anonymous)", placeOf(node, category)];
      const known = byFunction.get(`${name} ${place}`) ?? { name, place, selfMs: 0 };
      known.selfMs += selfMs;
      byFunction.set(`${name} ${place}`, known);
    }
  }
  const categories = [...byCategory].map(([name, selfMs]) => ({ name, selfMs }));
  return {
    busyMs,
    categories: categories.sort((a, b) => b.selfMs - a.selfMs),
    functions: [...byFunction.values()].sort((a, b) => b.selfMs - a.selfMs).slice(0, FUNCTION_COUNT_MAX),
  };
}

/** A sample stands for the time until the next one. */
function selfTimes(
  { nodes, samples, timeDeltas, startTime }: CpuProfile,
  { fromUs, toUs }: ProfileWindow,
): Map<ProfileNode, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const times = new Map<ProfileNode, number>();
  let atUs = startTime;
  for (const [i, id] of samples.entries()) {
    atUs += timeDeltas[i]!;
    const selfUs = timeDeltas[i + 1] ?? 0;
    if (atUs < fromUs || atUs >= toUs || selfUs === 0) continue;
    const node = byId.get(id);
    if (node === undefined) throw new Error(`a sample must have its node: id=${id}`);
    times.set(node, (times.get(node) ?? 0) + selfUs);
  }
  return times;
}

/**
 * Native functions, which have no file, and the file system's count as their caller's: the journal's write is the
 * journal.
 */
function categorise(nodes: readonly ProfileNode[]): (node: ProfileNode) => string {
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node] as const)));
  const categoryOf = (node: ProfileNode): string => {
    const { functionName, url } = node.callFrame;
    const own = OF_V8.get(functionName);
    if (own !== undefined) return own;
    if (url !== "" && !url.startsWith(FILE_SYSTEM)) return ROOMS.find(([part]) => url.includes(part))?.[1] ?? "other";
    const parent = parents.get(node.id);
    return parent === undefined ? "other" : categoryOf(parent);
  };
  return categoryOf;
}

function placeOf({ callFrame }: ProfileNode, category: string): string {
  const { url, lineNumber } = callFrame;
  if (url === "") return !OF_V8.has(callFrame.functionName) ? `native, called by: ${category}` : "";
  // V8 counts lines from 0.
  return `${url.replace(/^.*\/(build|node_modules)\//, "").replace(/^file:\/\//, "")}:${lineNumber + 1}`;
}
