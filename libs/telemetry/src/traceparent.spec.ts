import { describe, expect, it } from 'vitest';
import { encodeTraceparent, parseTraceparent, traceIdOf } from './traceparent.ts';

const GIVEN = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe('a traceparent', () => {
  it('is read, and written the same', () => {
    const context = parseTraceparent(GIVEN)!;
    expect(context).toEqual({
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      spanId: '00f067aa0ba902b7',
      isSampled: true,
    });
    expect(encodeTraceparent(context)).toBe(GIVEN);
  });

  it.each([
    undefined,
    '',
    'nonsense',
    GIVEN.toUpperCase(),
    `${GIVEN}-more`,
    GIVEN.replace(/^00/, 'ff'),
    '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01',
  ])('that is malformed is nothing: %s', (text) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });

  it('names the trace of its action; without one that is the id of the action', () => {
    expect(traceIdOf('0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b', GIVEN)).toBe('4bf92f3577b34da6a3ce929d0e0e4736');
    expect(traceIdOf('0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b', null)).toBe('0190a1b2c3d47e5f8a6b7c8d9e0f1a2b');
  });
});
