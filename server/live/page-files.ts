import type { HttpRequest, HttpResponse, TemplatedApp } from "uWebSockets.js";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { extname } from "node:path";
import { problemAnswer } from "../http/answer.ts";
import { Exchange, PLAIN } from "../http/exchange.ts";
import { refuseOthers } from "../http/refuse-others.ts";
import { ROOT } from "../system/root.ts";
import { problem } from "../text/problem.ts";

type PageFile = { bytes: Buffer; type: string; etag: string };

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

const HEADERS = [
  // Everything from here, nothing inline; style-src covers the styles that uPlot sets from its script.
  [
    "Content-Security-Policy",
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  ],
  ["X-Content-Type-Options", "nosniff"],
  ["Referrer-Policy", "no-referrer"],
  // Asked about every time, and told "not modified": an instance of another version is never shown with an old script.
  ["Cache-Control", "no-cache"],
] as const;

/** GET / and what it loads from /assets/, all of it from memory, read when somebody asks first. */
export function servePageFiles(app: TemplatedApp): void {
  let files: ReadonlyMap<string, PageFile> | undefined;
  const handle = (res: HttpResponse, req: HttpRequest): void => {
    files ??= readFiles();
    const file = files.get(req.getUrl());
    if (file) answerFile(res, req, file);
    else new Exchange(res, isHead(req), PLAIN).answer(problemAnswer(problem("no-such-resource", "no such file")));
  };
  for (const route of ["/", "/assets/*"]) {
    app.get(route, handle);
    app.head(route, handle);
    refuseOthers(app, route, "GET, HEAD");
  }
}

/** By path. The scripts lie as they do in build/server, so that their imports of each other hold. */
function readFiles(): Map<string, PageFile> {
  const packages = createRequire(ROOT);
  const scripts = `${ROOT}build/server/page/`;
  // The compiler does not copy what is no script.
  const statics = `${ROOT}server/page/static/`;
  const paths: [url: string, path: string][] = [
    ["/", `${statics}index.html`],
    ["/assets/page.css", `${statics}page.css`],
    ["/assets/icon.svg", `${statics}icon.svg`],
    ["/assets/uPlot.js", packages.resolve("uplot/dist/uPlot.iife.min.js")],
    ["/assets/uPlot.css", packages.resolve("uplot/dist/uPlot.min.css")],
    ["/assets/meters/duration-histogram.js", `${ROOT}build/server/meters/duration-histogram.js`],
  ];
  for (const name of readdirSync(scripts)) {
    if (name.endsWith(".js")) paths.push([`/assets/page/${name}`, `${scripts}${name}`]);
  }
  return new Map(paths.map(([url, path]) => [url, readFile(path)]));
}

function readFile(path: string): PageFile {
  const bytes = readFileSync(path);
  const etag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
  return { bytes, type: TYPES[extname(path)]!, etag };
}

function answerFile(res: HttpResponse, req: HttpRequest, { bytes, type, etag }: PageFile): void {
  const isKnown = req.getHeader("if-none-match") === etag;
  res.cork(() => {
    res.writeStatus(isKnown ? "304 Not Modified" : "200 OK");
    for (const [name, value] of HEADERS) res.writeHeader(name, value);
    res.writeHeader("ETag", etag);
    if (isKnown) {
      res.endWithoutBody();
      return;
    }
    res.writeHeader("Content-Type", type);
    if (!isHead(req)) {
      res.end(bytes);
      return;
    }
    res.writeHeader("Content-Length", String(bytes.length));
    res.endWithoutBody();
  });
}

function isHead(req: HttpRequest): boolean {
  return req.getCaseSensitiveMethod() === "HEAD";
}
