/** Loaded into an instance before its program (node --import), makes it slow: JSON.parse takes its time. */
import { SLOW_MEMBER, SLOW_MS } from "./slow-member.ts";

const { parse } = JSON;
JSON.parse = (text: string, ...rest) => {
  if (typeof text === "string" && text.includes(SLOW_MEMBER)) {
    const untilMs = performance.now() + SLOW_MS;
    while (performance.now() < untilMs);
  }
  return parse(text, ...rest);
};
