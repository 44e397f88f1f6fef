import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProblemError } from '#contracts';
import { DEEPEST, inspectJson } from './inspect-json.ts';

function complaint(input: unknown): unknown {
  try {
    inspectJson(input);
    return null;
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return error.options.errors?.[0] ?? error.code;
  }
}

function nested(depth: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 'core';
  for (let level = 0; level < depth; level += 1) value = wrap(value);
  return value;
}

function objectOf(fields: number): object {
  return Object.fromEntries(Array.from({ length: fields }, (_, index) => [`f${index}`, index]));
}

describe('inspectJson', () => {
  it('takes ordinary JSON of any kind', () => {
    const json = fc.jsonValue({ maxDepth: 5, stringUnit: 'grapheme' });
    fc.assert(
      fc.property(json, (value) => {
        const text = JSON.stringify(value);
        fc.pre(!/\\u0000|"(__proto__|constructor|toString|valueOf)"/.test(text));
        expect(complaint(JSON.parse(text))).toBeNull();
      }),
    );
  });

  it.each([
    ['arrays', (inner: unknown) => [inner]],
    ['objects', (inner: unknown) => ({ a: inner })],
  ])('takes %s that are nested to the limit, and none beyond', (_, wrap) => {
    expect(complaint(nested(DEEPEST, wrap))).toBeNull();
    expect(complaint(nested(DEEPEST + 1, wrap))).toBe('TOO_DEEP');
    expect(complaint(nested(100_000, wrap))).toBe('TOO_DEEP');
  });

  it.each([
    ['a NUL character', { text: 'a\0b' }, '/text', 'NUL_CHARACTER'],
    ['a NUL character deep inside', { a: [{ b: '\0' }] }, '/a/0/b', 'NUL_CHARACTER'],
    ['a NUL character in a key', { '\0': 1 }, '', 'NUL_CHARACTER'],
    ['half a character', { text: '\ud83d' }, '/text', 'LONE_SURROGATE'],
    ['half a character in a key', { '\udc00': 1 }, '', 'LONE_SURROGATE'],
    ['the prototype', JSON.parse('{"__proto__":{"isAdmin":true}}'), '/__proto__', 'UNKNOWN_FIELD'],
    ['the constructor', { a: { constructor: 1 } }, '/a/constructor', 'UNKNOWN_FIELD'],
    ['5001 fields', { a: [1, objectOf(5_001)] }, '/a/1', 'TOO_MANY_FIELDS'],
    ['a key to be escaped in a pointer', { 'a/b~c': '\0' }, '/a~1b~0c', 'NUL_CHARACTER'],
  ])('refuses %s, and points at it', (_, input, pointer, code) => {
    expect(complaint(input)).toMatchObject({ pointer, code });
  });

  it('takes 5000 fields', () => {
    expect(complaint(objectOf(5_000))).toBeNull();
  });

  it('takes characters of two units', () => {
    expect(complaint({ text: '😀', '😀': 'é' })).toBeNull();
  });
});
