import type { SourceMap } from "node:module";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { sourceMapOf } from "../../../server/system/source-stack.ts";
import { REPOSITORY_ROOT } from "../repository.ts";
import type { CpuProfile, ProfileNode } from "./profile-summary.ts";

/** A profile of bundled code, with each function where it is compiled to by itself, or in its package. */
export function unbundled(profile: CpuProfile): CpuProfile {
  const maps = new Map<string, SourceMap | undefined>();
  const mapOf = (path: string): SourceMap | undefined => {
    if (!maps.has(path)) maps.set(path, sourceMapOf(path));
    return maps.get(path);
  };
  return { ...profile, nodes: profile.nodes.map((node) => unbundledNode(node, mapOf)) };
}

function unbundledNode(node: ProfileNode, mapOf: (path: string) => SourceMap | undefined): ProfileNode {
  const { url, lineNumber, columnNumber = 0 } = node.callFrame;
  if (!url.includes("/build/bundle/")) return node;
  const path = url.startsWith("file:") ? fileURLToPath(url) : url;
  // Both count from 0.
  const entry = mapOf(path)?.findEntry(lineNumber, columnNumber);
  if (entry === undefined || !("originalSource" in entry)) return node;
  const source = relative(REPOSITORY_ROOT, resolve(dirname(path), entry.originalSource));
  const place = source.startsWith("node_modules/") ? source : `build/${source.replace(/\.ts$/, ".js")}`;
  const callFrame = { ...node.callFrame, url: `file://${REPOSITORY_ROOT}${place}`, lineNumber: entry.originalLine };
  return { ...node, callFrame };
}
