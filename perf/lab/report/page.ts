import type { Result } from "../result.ts";

export function reportPage(result: Result): string {
  return `<!doctype html><title>${result.kind}</title>`;
}
