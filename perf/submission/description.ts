import type { SubmissionWish } from "./command-line.ts";

/** What stands where the address of the sources was not told. */
export const NO_SOURCE = "";

/** info.json, as the contest wants it. */
export function infoJson({ name, socialUrls, sourceUrl }: SubmissionWish): string {
  const info = {
    name,
    social: socialUrls,
    "source-code-repo": sourceUrl ?? NO_SOURCE,
    langs: ["typescript"],
    storages: ["journal on disk"],
    messaging: [],
    "load-balancers": ["nginx"],
    "other-technologies": ["node.js", "uWebSockets.js"],
  };
  return `${JSON.stringify(info, undefined, 2)}\n`;
}

export function readmeText({ name, image, sourceUrl }: SubmissionWish): string {
  const source = sourceUrl === undefined ? "" : `Sources: ${sourceUrl}\n\n`;
  return `# ${name}

A payment intermediary: every payment is charged exactly once, as cheaply as possible, at one of two processors that
keep failing.

${source}- TypeScript on Node.js, with uWebSockets.js in front and plain sockets to the processors behind
- two instances behind nginx, each of which takes over the other's payments when that is gone
- an append-only journal on disk; what is in memory is an index over it

Image of both instances: \`${image}\` (linux/amd64).

\`\`\`sh
docker compose up -d      # with the contest's processors running: their network must be there
curl http://localhost:9999/payments-summary
docker compose down -v
\`\`\`
`;
}
