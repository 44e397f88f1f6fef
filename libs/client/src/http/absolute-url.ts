/**
 * Where an app is, without a query. In a browser it may be relative to the page; nothing at
 * all is the host of the page.
 *
 * @throws {TypeError} when it is none
 */
export function absoluteUrl(url: string): string {
  const { origin, pathname } = parse(url);
  // `localhost:3000` is the scheme "localhost".
  if (origin === 'null') throw new TypeError(`"${url}" is not the URL of a server`);
  return origin + pathname;
}

function parse(url: string): URL {
  try {
    return new URL(url || '/', globalThis.location?.href);
  } catch (cause) {
    throw new TypeError(`"${url}" is not a URL`, { cause });
  }
}
