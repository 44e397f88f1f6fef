import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasTooManyValues, MOST_VALUES } from './json-size.ts';

const judge = (json: string): boolean => hasTooManyValues(Buffer.from(json));

const list = (length: number, item: string): string => `[${Array.from({ length }, () => item).join()}]`;

describe('hasTooManyValues', () => {
  it.each([
    ['numbers', '1'],
    ['lists', '[]'],
    ['members', '{"a":1}'],
  ])('counts %s, to the last', (_, item) => {
    // A list within counts as one more, and an object with its member too.
    const each = item === '1' ? 1 : 2;
    const most = Math.floor((MOST_VALUES - 1) / each);
    expect(judge(list(most - 1, item))).toBe(false);
    expect(judge(list(most + 2, item))).toBe(true);
  });

  it('takes any texts for what they are', () => {
    const commas = fc.constantFrom(',', '[', '{', '\\', '"', '\\"', 'ä,', '😀', '\\\\"');
    const text = fc.array(commas, { minLength: 100, maxLength: 200 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (part) => {
        const actions = Array.from({ length: 1_000 }, () => ({ type: 'messages.create', payload: { text: part } }));
        expect(judge(JSON.stringify({ actions }))).toBe(false);
      }),
      { numRuns: 20 },
    );
  });

  it('ends with what is no JSON', () => {
    expect(judge('"\\'.repeat(MOST_VALUES))).toBe(false);
    expect(judge('['.repeat(8_000_000))).toBe(true);
  });
});
