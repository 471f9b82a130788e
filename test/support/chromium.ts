import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** `undefined` where there is none: then tests that need it are skipped. */
export function findChromium(): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin"];
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find((file) => existsSync(file));
}

/** Root needs it: Chromium's own sandbox refuses to run for root. */
export function launchChromium(executablePath: string): Promise<Browser> {
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath, args });
}

export type Complaints = {
  /** Errors on the console and uncaught exceptions. */
  readonly errors: string[];
  /** Everything that was fetched besides the page itself. */
  readonly requests: string[];
};

export function listen(page: Page): Complaints {
  const complaints: Complaints = { errors: [], requests: [] };
  page.on("console", (message) => {
    if (message.type() === "error") complaints.errors.push(message.text());
  });
  page.on("pageerror", (error) => complaints.errors.push(error.message));
  page.on("request", (request) => {
    if (!request.isNavigationRequest() && !request.url().startsWith("data:")) complaints.requests.push(request.url());
  });
  return complaints;
}
