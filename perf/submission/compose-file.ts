import { basename } from "node:path";
import { type Document, isMap, isScalar, parseDocument, Scalar, visit } from "yaml";

/** The compose file as it is submitted, and the files beside the original that it mounts. */
export type SubmittedCompose = {
  readonly text: string;
  /** As the original names them, relative to its own folder; they go beside the new file under their last name. */
  readonly mountedPaths: readonly string[];
};

const HEADER = [
  " The whole service within the contest's limits: 1.5 CPU and 350 MB in all. The processors, and the network to reach",
  " them, must be there first.",
  "",
  "   docker compose up -d",
].join("\n");

/**
 * The same services from an image instead of from the sources, with all they mount beside the file. Throws where
 * something else than an instance is to be built.
 */
export function submittedCompose(original: string, image: string): SubmittedCompose {
  const document = parseDocument(original);
  useImage(document, image);
  const mountedPaths = mountFromHere(document);
  replaceHeader(document);
  return { text: document.toString({ lineWidth: 0, flowCollectionPadding: false }), mountedPaths };
}

/** The original's says how to build. It stands before the first key. */
function replaceHeader({ contents }: Document): void {
  const first = isMap(contents) ? contents.items[0]?.key : undefined;
  if (!isScalar(first)) throw new Error("the compose file must be a mapping: keys=0");
  first.commentBefore = HEADER;
}

function useImage(document: Document, image: string): void {
  visit(document, {
    Pair(_, pair) {
      if (!isScalar(pair.key) || pair.key.value !== "build") return undefined;
      const { target } = (pair.value as { toJS(document: Document): { target?: string } }).toJS(document);
      if (target !== "instance") throw new Error(`only instances may be built: target=${target}`);
      pair.key = new Scalar("image");
      pair.value = new Scalar(image);
      return visit.SKIP;
    },
  });
}

function mountFromHere(document: Document): string[] {
  const paths: string[] = [];
  visit(document, {
    Scalar(_, node) {
      const [, path, rest] = /^(\.{1,2}\/[^:]+)(:\/.*)$/.exec(String(node.value)) ?? [];
      if (path === undefined) return;
      paths.push(path);
      node.value = `./${basename(path)}${rest}`;
    },
  });
  return paths;
}
