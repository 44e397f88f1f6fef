import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { oddDocument } from './json-text.ts';
import { asHeader, oddText } from './odd-text.ts';
import type { RawRequest } from './raw-request.ts';
import type { Route } from './routes.ts';
import type { SchemaValues } from './schema-values.ts';

export interface OddRequest extends RawRequest {
  route: Route;
  /** Whether the path is one of the route, and not broken. */
  isWhole: boolean;
}

export interface Known {
  values: SchemaValues;
  ids: readonly string[];
  tokens: readonly string[];
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'PURGE'];

/** Paths that decode to nothing, or to something else. */
const BAD_SEGMENTS = ['%', '%ff', '%E0%A4%A', '', '..', '.', '%2e%2e', '%00', 'a%2Fb', '*', ';', ':id', '~', 'ä'];

const TYPES = ['application/json', 'application/merge-patch+json', 'application/json;charset=utf-8'];
const BAD_TYPES = ['text/plain', 'application/json; charset=utf-16', 'application/jsonp', 'multipart/form-data', '*/*'];
const PREFERENCES = ['wait=0', 'wait=1', 'wait=-1', 'wait="1"', 'respond-async, wait=1', 'wait', 'wait=1e3', 'a=b;c'];
const VERSIONS = ['"1"', '1', 'W/"1"', '*', '"1","2"', '"', '""', '"999999999"', '9999999999'];
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const ACCEPTED = ['*/*', 'text/html', 'application/xml;q=0.9', 'application/problem+json', ';q=', 'gzip'];

type Values = fc.Arbitrary<string>;

const mostly = (good: Values, odd: Values): Values =>
  fc.oneof({ weight: 6, arbitrary: good }, { weight: 1, arbitrary: odd });
const perhaps = (value: Values): fc.Arbitrary<string | undefined> => fc.option(value, { freq: 2, nil: undefined });

const oddHeader: Values = oddText.map(asHeader);

/** Requests to a route, in which some part may be wrong. */
export function oddRequestTo(route: Route, known: Known): fc.Arbitrary<OddRequest> {
  return fc
    .record({
      method: mostly(fc.constant(route.method), fc.constantFrom(...METHODS)),
      path: pathOf(route, known.ids),
      query: queryOf(route),
      headers: headersOf(known.tokens),
      body: bodyOf(route, known.values),
      isGzipped: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.boolean()),
    })
    .map(({ method, path, query, headers, body, isGzipped }) => {
      const given = Object.entries(headers).filter((entry): entry is [string, string] => Boolean(entry[1]));
      if (isGzipped) given.push(['content-encoding', 'gzip']);
      const request = { route, method, path: `${path.text}${query}`, headers: given, isWhole: path.isWhole };
      return body === undefined
        ? request
        : Object.assign(request, { body: isGzipped ? gzipSync(Buffer.from(body)) : body });
    });
}

function pathOf({ template }: Route, ids: readonly string[]): fc.Arbitrary<{ text: string; isWhole: boolean }> {
  const places = [...template.matchAll(/\{\w+\}/g)].map(([place]) => place);
  const encoded = (text: string): string => encodeURIComponent(text.toWellFormed());
  const whole = mostly(fc.oneof(fc.constantFrom(...ids), fc.uuid()), oddText.map(encoded));
  const broken = fc.constantFrom(...BAD_SEGMENTS);
  const fill = (values: readonly string[]): string =>
    places.reduce((path, place, index) => path.replace(place, () => values[index]!), template);
  return fc.oneof(
    {
      weight: 9,
      arbitrary: fc.tuple(...places.map(() => whole)).map((values) => ({
        text: fill(values),
        isWhole: values.every((value) => value !== ''),
      })),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.tuple(...places.map(() => broken)), fc.constantFrom('', '/', '//', '/x', '%', '%00', '?', '#a'))
        .map(([values, end]) => ({ text: `${fill(values)}${end}`, isWhole: false })),
    },
  );
}

function queryOf({ parameters }: Route): Values {
  const names = parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  const name = mostly(fc.constantFrom('limit', ...names), oddText);
  const value = mostly(fc.constantFrom('1', '10', '0', 'succeeded', 'failed', 'messages.create'), oddText);
  const encoded = (text: string): string => encodeURIComponent(text.toWellFormed());
  const pair = fc.oneof(
    { weight: 9, arbitrary: fc.tuple(name, value).map(([key, text]) => `${encoded(key)}=${encoded(text)}`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('limit', '=', '&', '%', 'limit=%', 'limit[]=1', 'limit[__proto__]=1', '?'),
    },
  );
  return fc.array(pair, { maxLength: 2 }).map((pairs) => (pairs.length > 0 ? `?${pairs.join('&')}` : ''));
}

function headersOf(tokens: readonly string[]): fc.Arbitrary<Record<string, string | undefined>> {
  return fc.record({
    authorization: mostly(
      fc.constantFrom(...tokens).map((token) => `Bearer ${token}`),
      fc.oneof(
        oddHeader,
        oddHeader.map((text) => `Bearer ${text}`),
        fc.constant(`Bearer ${tokens[0]}x`),
      ),
    ),
    'content-type': mostly(fc.constantFrom(...TYPES), fc.oneof(fc.constantFrom(...BAD_TYPES), oddHeader)),
    'idempotency-key': perhaps(mostly(fc.uuid(), oddHeader)),
    'if-match': perhaps(mostly(fc.constantFrom(...VERSIONS), oddHeader)),
    prefer: perhaps(mostly(fc.constantFrom(...PREFERENCES), oddHeader)),
    traceparent: perhaps(mostly(fc.constant(TRACE), oddHeader)),
    accept: perhaps(mostly(fc.constantFrom(...ACCEPTED), oddHeader)),
    expect: perhaps(mostly(fc.constant('100-continue'), oddHeader)),
    origin: perhaps(oddHeader),
    'x-forwarded-for': perhaps(oddHeader),
    'last-event-id': perhaps(oddHeader),
  });
}

function bodyOf({ body, method }: Route, values: SchemaValues): fc.Arbitrary<string | Uint8Array | undefined> {
  const odd = fc.oneof(
    oddDocument,
    fc.uint8Array({ maxLength: 300 }),
    fc.constant(`{"text":"${'a'.repeat(110_000)}"}`),
  );
  if (body) return fc.oneof({ weight: 4, arbitrary: values.of(body) }, { weight: 1, arbitrary: odd });
  const none = fc.constant(undefined);
  return fc.oneof({ weight: method === 'GET' ? 30 : 5, arbitrary: none }, { weight: 1, arbitrary: odd });
}
