/**
 * Text that may hold a URL with user and password, for errors. The password may have an @ or a slash that it should not
 * have.
 */
export function withoutCredentials(text: string): string {
  return text.replace(/^(\s*[a-z][\w+.-]*:\/\/)?.*@/i, "$1***@");
}

/**
 * Whether Basic authorization can carry a URL's user and password: percent-encoded as UTF-8, and no colon in the user.
 */
export function hasUsableCredentials(url: URL): boolean {
  try {
    decodeURIComponent(url.password);
    return !decodeURIComponent(url.username).includes(":");
  } catch {
    return false;
  }
}

/** The Authorization header for a URL's user and password, undefined if it has neither. They must be usable. */
export function basicAuthorization({ username, password }: URL): string | undefined {
  if (username === "" && password === "") return undefined;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}
