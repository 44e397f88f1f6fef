/**
 * Most values in a body, a hundred for each action of the largest batch. What has two bytes as
 * `{}` takes dozens as an object, and time to be looked at.
 */
export const MOST_VALUES = 100_000;

const [QUOTE, BACKSLASH] = [0x22, 0x5c];

/** Each value but the outermost stands behind one of them, or behind a key that does: `,` `[` `{`. */
const [COMMA, BRACKET, BRACE] = [0x2c, 0x5b, 0x7b];

/** Whether JSON in UTF-8 may hold more than {@link MOST_VALUES}: told by its bytes, before anything is made of them. */
export function hasTooManyValues(json: Buffer): boolean {
  if (json.length < MOST_VALUES) return false;
  let values = 1;
  let isText = false;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === QUOTE) isText = !isText;
    else if (byte === BACKSLASH) at += 1;
    else if (!isText && (byte === COMMA || byte === BRACKET || byte === BRACE)) values += 1;
    if (values > MOST_VALUES) return true;
  }
  return false;
}
