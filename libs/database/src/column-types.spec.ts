import { describe, expect, it } from 'vitest';
import { testDatabase } from '#testing';
import { Database } from './database.ts';
import { readTimestamp } from './column-types.ts';

describe('a timestamp is read as RFC 3339 in UTC, to the millisecond', () => {
  it.each([
    ['2026-11-29 10:05:02.123456+00', '2026-11-29T10:05:02.123Z'],
    ['2026-11-29 10:05:02.9999+00', '2026-11-29T10:05:02.999Z'],
    ['2026-11-29 10:05:02.1+00', '2026-11-29T10:05:02.100Z'],
    ['2026-11-29 10:05:02+00', '2026-11-29T10:05:02.000Z'],
    ['0001-01-01 00:00:00+00', '0001-01-01T00:00:00.000Z'],
    ['2026-11-29 10:05:02.1+05:30', '2026-11-29T04:35:02.100Z'],
    ['2026-11-29 10:05:02-08', '2026-11-29T18:05:02.000Z'],
    ['10000-01-01 00:00:00+00', '+010000-01-01T00:00:00.000Z'],
    ['0001-12-31 23:59:59+00 BC', '0000-12-31T23:59:59.000Z'],
    ['infinity', 'infinity'],
  ])('%s', (text, read) => {
    expect(readTimestamp(text)).toBe(read);
  });

  it('as Postgres says it', async () => {
    const { url } = await testDatabase();
    const database = new Database({ url, poolSize: 1, applicationName: 'column-types.spec' });
    const [row] = await database.query(`select '2026-11-29T12:05:02.12+02'::timestamptz as at, 5::bigint as big`);
    expect(row).toEqual({ at: '2026-11-29T10:05:02.120Z', big: 5 });
    await database.onApplicationShutdown();
  });
});
