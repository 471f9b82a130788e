import { type CommandLine, lists, texts } from "../command/command-line.ts";
import { readImageName } from "./image-name.ts";

const USAGE = `Makes the folder to submit to the contest (Rinha de Backend 2025).

  npm run contest:submission -- --image NAME:TAG --out DIR [options]

  --image NAME:TAG         the instances' image, for linux/amd64, where anyone can pull it
  --out DIR                the folder; it must be empty or not exist
  --name NAME              who takes part, for info.json                           (rinha-backend)
  --social URL             a page of the participant; may be given several times
  --source URL             where the sources are public; info.json and README.md name it
  --help

DIR gets docker-compose.yml and nginx.conf, made of docker/compose.yml and nginx.conf as they are, README.md and
info.json. If this breaks a rule of the contest, nothing is written. Build and publish the image yourself:

  docker build --platform linux/amd64 -f docker/Dockerfile --target instance -t NAME:TAG .
  docker push NAME:TAG
`;

export type SubmissionWish = {
  readonly image: string;
  readonly outDir: string;
  readonly name: string;
  readonly socialUrls: readonly string[];
  /** `undefined`: not told. */
  readonly sourceUrl: string | undefined;
};

const OPTIONS = { ...texts("image", "out", "name", "source"), ...lists("social") };

export const SUBMISSION_COMMAND: CommandLine<typeof OPTIONS, SubmissionWish> = {
  usage: USAGE,
  options: OPTIONS,
  read({ image, out, name, social, source }) {
    if (image === undefined) throw new Error("an image must be named: --image NAME:TAG");
    if (out === undefined || out === "") throw new Error("a folder must be named: --out DIR");
    return {
      image: readImageName(image),
      outDir: out,
      name: name || "rinha-backend",
      socialUrls: (social ?? []).map((url) => readPage("social", url)),
      sourceUrl: source === undefined ? undefined : readPage("source", source),
    };
  },
};

function readPage(name: string, text: string): string {
  const protocol = URL.canParse(text) ? new URL(text).protocol : "";
  if (protocol === "https:" || protocol === "http:") return text;
  throw new Error(`${name} must be an http or https URL: ${name}=${text}`);
}
