/** Takes what has been done so far, in words. */
export type Progress = (text: string) => void;

const QUIET_MS = 2000;
const EVERY_MS = 1000;

/** Writes lines, once it has taken some seconds, and then one a second at most. */
export function slowProgress(write: (line: string) => void): Progress {
  let nextMs = performance.now() + QUIET_MS;
  return (text) => {
    const nowMs = performance.now();
    if (nowMs < nextMs) return;
    nextMs = nowMs + EVERY_MS;
    write(`${text}\n`);
  };
}
