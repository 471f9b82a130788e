import { readFileSync } from "node:fs";
import { type Answer, jsonAnswer, problemAnswer } from "../http/answer.ts";
import { ROOT } from "../system/root.ts";
import { problem } from "../text/problem.ts";

/** scripts/openapi.mjs makes it of docs/openapi.yaml. */
const DOCUMENT = `${ROOT}build/server/api/openapi.json`;

const MISSING = problemAnswer(
  problem("no-such-resource", "the API's description is not built: run node scripts/openapi.mjs"),
);

let known: Answer | undefined;

/** The OpenAPI description as JSON, read when somebody asks first and kept from then on. */
export function openapiAnswer(): Answer {
  known ??= read();
  return known;
}

function read(): Answer {
  try {
    return jsonAnswer(readFileSync(DOCUMENT, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return MISSING;
    throw error;
  }
}
