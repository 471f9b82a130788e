/** Takes what has been done so far, in words. */
export type Progress = (text: string) => void;

const QUIET_MS = 2000;
const EVERY_MS = 1000;

/** Where nobody watches. */
export const UNWATCHED: Progress = () => {};

/**
 * Progress of this process's work on the standard error, for a person who watches at a terminal: a line a second at
 * most, once it has taken some seconds. Whoever asks for JSON is a program, and gets none.
 */
export function watchedProgress(isJson: boolean): Progress {
  const { stderr } = process;
  return isJson || stderr.isTTY !== true ? UNWATCHED : slowProgress((line) => stderr.write(line));
}

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
