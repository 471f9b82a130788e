/**
 * A JSON string, a bracket, a separator, or a run of anything else: enough to walk through text that JSON.parse has
 * taken.
 */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g;

/**
 * The text of the last member `amount` of the object that `json` is: the one that JSON.parse keeps. JSON.parse alone
 * would round a long number before anybody could see how it is to be rounded. `json` is valid and has the member, with
 * a number.
 */
export function amountText(json: string): string {
  let depth = 0;
  let key = "";
  let last = "";
  let found = "";
  for (const [token] of json.matchAll(TOKEN)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (depth === 1 && token === ":") key = last;
    else if (depth === 1 && last === ":" && JSON.parse(key) === "amount") found = token;
    last = token;
  }
  return found;
}
