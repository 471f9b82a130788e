import type { Context } from "mocha";
import { imagesOfComposeFile, imagesOfDockerfile, provideImage } from "../../perf/containers/base-images.ts";
import { whyNoDebian } from "../../perf/containers/debian.ts";
import type { Engine } from "../../perf/containers/engine.ts";
import { openEngine } from "../../perf/containers/open-engine.ts";

/** Debian's packages, the engine's start and the base images, on a slow network. */
const PREPARATION_MS_MAX = 900_000;

let opening: Promise<Engine | { missing: string }> | undefined;

export function say(line: string): void {
  process.stdout.write(`    ${line}\n`);
}

after(async function () {
  this.timeout(60_000);
  const engine = await opening?.catch(() => undefined);
  if (engine !== undefined && !("missing" in engine)) await engine.close();
});

/** The one engine of all the tests. Where there can be none, the test is skipped and says why. */
export async function needsEngine(context: Context): Promise<Engine> {
  context.timeout(PREPARATION_MS_MAX);
  opening ??= openEngine(say).then((engine) => {
    say("missing" in engine ? engine.missing : engine.text);
    return engine;
  });
  const engine = await opening;
  if ("missing" in engine) {
    if (context.test !== undefined) context.test.title = `is skipped: ${engine.missing}`;
    return context.skip();
  }
  return engine;
}

/**
 * The base images of docker/Dockerfile, and what these compose files name. Skips where they can neither be pulled nor,
 * for want of root or Debian, be made.
 */
export async function provideImages(
  context: Context,
  engine: Engine,
  ...composeFiles: readonly string[]
): Promise<void> {
  const images = new Set([...imagesOfDockerfile(), ...composeFiles.flatMap(imagesOfComposeFile)]);
  try {
    for (const image of images) say(`${image}: ${await provideImage(engine, image, say)}`);
  } catch (error) {
    if (whyNoDebian() === undefined) throw error;
    say(`skipped: ${(error as Error).message}`);
    context.skip();
  }
}
