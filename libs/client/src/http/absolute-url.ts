/**
 * Where an app is, without a query. In a browser it may be relative to the page; nothing at
 * all is the host of the page.
 *
 * @throws {TypeError} when it is none
 */
export function absoluteUrl(url: string): string {
  const base = globalThis.location?.href;
  if (URL.canParse(url || '/', base)) {
    const { origin, pathname } = new URL(url || '/', base);
    // `localhost:3000` is the scheme "localhost".
    if (origin !== 'null') return origin + pathname;
  }
  throw new TypeError(`"${url}" is not the URL of a server: outside of a page it begins with https://`);
}
