import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { Debian, type Progress, whyNoDebian } from "./debian.ts";
import { makeImage, recipeFor } from "./debian-images.ts";
import type { Engine } from "./engine.ts";
import { PROJECT } from "./project.ts";

const PULL_TIMEOUT_MS = 300_000;

/** How an image came to be there. */
export type ImageOrigin = "was there" | "pulled" | "made from Debian's packages";

/** The images that docker/Dockerfile builds on. */
export function imagesOfDockerfile(): string[] {
  const text = readFileSync(join(PROJECT, "docker/Dockerfile"), "utf8");
  const from = Array.from(text.matchAll(/^FROM (\S+)(?: AS (\S+))?$/gm), ([, image, stage]) => ({ image, stage }));
  const stages = new Set(from.map(({ stage }) => stage));
  return [...new Set(from.map(({ image }) => image!).filter((image) => !stages.has(image)))];
}

/** The images that a compose file of docker/ names, those that it builds left out. */
export function imagesOfComposeFile(name: string): string[] {
  const { services } = parse(readFileSync(join(PROJECT, "docker", name), "utf8"), { merge: true }) as {
    services: Record<string, { image?: string }>;
  };
  return [...new Set(Object.values(services).flatMap(({ image }) => image ?? []))];
}

/** Sees to it that an image is there under that name. Rejects where it can neither be pulled nor made. */
export async function provideImage(engine: Engine, image: string, say: Progress): Promise<ImageOrigin> {
  if (await engine.has(image)) return "was there";
  try {
    await engine.docker(["pull", "--quiet", "--platform", "linux/amd64", image], { timeoutMs: PULL_TIMEOUT_MS });
    return "pulled";
  } catch (pullError) {
    const recipe = recipeFor(image);
    const why = recipe === undefined ? "there is no recipe for it" : whyNoDebian();
    if (recipe === undefined || why !== undefined) {
      const said = pullError instanceof Error ? pullError.message.split("\n").at(-1) : String(pullError);
      throw new Error(`image must be pulled or made: image=${image} (${said}; ${why})`);
    }
    say(`making ${image} from Debian's packages`);
    await makeImage(engine, image, recipe, await debianImage(engine, say));
    return "made from Debian's packages";
  }
}

const DEBIAN_IMAGE = "rinha-debian:trixie";

async function debianImage(engine: Engine, say: Progress): Promise<string> {
  if (await engine.has(DEBIAN_IMAGE)) return DEBIAN_IMAGE;
  const archive = await new Debian(engine.facts.folder, say).archive();
  await engine.import(DEBIAN_IMAGE, archive);
  return DEBIAN_IMAGE;
}
