export type Selector = { metric: string; labels: { name: string; operator: string; value: string }[] };
export type Query = { selectors: Selector[]; groupings: string[] };

const AGGREGATIONS = new Set(["sum", "min", "max", "avg", "count", "topk", "bottomk", "stddev", "quantile", "group"]);
const FUNCTIONS = new Set(
  [
    "abs absent rate irate increase delta deriv histogram_quantile",
    "clamp_min clamp_max time max_over_time avg_over_time",
  ].flatMap((names) => names.split(" ")),
);
const WORDS = new Set("and or unless bool offset".split(" "));
const GROUPERS = new Set("by without on ignoring group_left group_right".split(" "));
const TOKEN_KINDS = [
  /(?<word>[a-zA-Z_:][\w:]*)/,
  /(?<string>"(?:[^"\\]|\\.)*")/,
  /(?<duration>\[[^\]]*\])/,
  /(?<number>\d[\d.e]*[smhdwy]?)/,
  /(?<sign>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){},])/,
];
const TOKEN = new RegExp(`\\s*(?:${TOKEN_KINDS.map(({ source }) => source).join("|")})`, "y");

/** What a PromQL expression speaks of: metrics, labels matched, labels grouped by. Throws at what it does not know. */
export function readQuery(expression: string): Query {
  const tokens = tokenize(expression);
  const query: Query = { selectors: [], groupings: [] };
  for (let i = 0; i < tokens.length; i++) {
    const word = tokens[i]!;
    if (!/^[a-zA-Z_:]/.test(word) || WORDS.has(word)) continue;
    const next = tokens[i + 1];
    if (GROUPERS.has(word)) {
      const end = tokens.indexOf(")", i);
      query.groupings.push(...tokens.slice(i + 2, end).filter((token) => token !== ","));
      i = end;
    } else if (next === "(" || (AGGREGATIONS.has(word) && GROUPERS.has(next ?? ""))) {
      if (!AGGREGATIONS.has(word) && !FUNCTIONS.has(word)) throw new Error(`a function is known: name=${word}`);
    } else {
      const end = next === "{" ? tokens.indexOf("}", i) : i;
      query.selectors.push({ metric: word, labels: readMatchers(tokens.slice(i + 2, end), expression) });
      i = end;
    }
  }
  if (query.selectors.length === 0) throw new Error(`an expression reads a metric: expression=${expression}`);
  return query;
}

function readMatchers(tokens: readonly string[], expression: string): Selector["labels"] {
  const matchers: Selector["labels"] = [];
  for (let i = 0; i < tokens.length; i += 4) {
    const [name, operator, text, comma] = tokens.slice(i, i + 4);
    if (name === undefined || operator === undefined || !text?.startsWith('"') || (comma ?? ",") !== ",") {
      throw new Error(`matchers are label="value", …: expression=${expression}`);
    }
    matchers.push({ name, operator, value: JSON.parse(text) as string });
  }
  return matchers;
}

function tokenize(expression: string): string[] {
  const tokens: string[] = [];
  const text = expression.trim();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match?.groups) throw new Error(`an expression can be read: expression=${text} at=${at}`);
    if (match.groups["duration"] === undefined) tokens.push(match[0].trim());
  }
  return tokens;
}
