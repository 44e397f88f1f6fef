import { describe, expect, it } from 'vitest';
import { decodePageCursor, encodePageCursor, toPage } from './page-cursor.ts';

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';

describe('a cursor of a page', () => {
  it.each(['2026-11-28T17:40:54.123Z', '0001-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'])(
    'names the same place after it was given away and back: %s',
    (createdAt) => {
      expect(decodePageCursor(encodePageCursor({ createdAt, id: ID }))).toEqual({ createdAt, id: ID });
    },
  );

  it.each([
    '0000-01-01T00:00:00.000Z',
    '0000-01-01',
    '2026-01-01',
    '+275760-09-13T00:00:00.000Z',
    '-000001-01-01T00:00:00.000Z',
    '9999-12-31T24:00:00.000Z',
    '2026-02-30T00:00:00.000Z',
    '2026-13-01T00:00:00.000Z',
    'now',
    '',
  ])('is refused with a time that none of ours has: %s', (createdAt) => {
    expect(() => decodePageCursor(encodePageCursor({ createdAt, id: ID }))).toThrow('CURSOR_INVALID');
  });
});

it('a page names its last row when there are more, and not when it is just full', () => {
  const rows = ['a', 'b', 'c'].map((id) => ({ id, createdAt: '2026-11-28T17:40:54.123Z' }));
  expect(toPage(rows, 2)).toEqual({ data: rows.slice(0, 2), next: encodePageCursor(rows[1]!) });
  for (const limit of [3, 4]) expect(toPage(rows, limit)).toEqual({ data: rows, next: null });
  expect(toPage([], 1)).toEqual({ data: [], next: null });
});
