/** As registries take them: `[HOST[:PORT]/]PATH:TAG`. */
const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const HOST =
  "(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::\\d{1,5})?)";
const NAME = new RegExp(`^(?:${HOST}/)?${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^\w[\w.-]{0,127}$/;
const NAME_LENGTH_MAX = 255;

/**
 * The name of an image with a tag, so that what is tested is what was meant. Throws a one-line `rule: name=value` error
 * on anything else.
 */
export function readImageName(text: string): string {
  const colon = text.lastIndexOf(":");
  // A colon before the last slash is a registry's port.
  const isTagged = colon > text.lastIndexOf("/");
  const [name, tag] = isTagged ? [text.slice(0, colon), text.slice(colon + 1)] : [text, ""];
  if (!NAME.test(name) || name.length > NAME_LENGTH_MAX) {
    throw new Error(`image must have a name as registries take them, in lower case: image=${text}`);
  }
  if (!TAG.test(tag)) throw new Error(`image must have a tag, NAME:TAG: image=${text}`);
  return text;
}
