import pg from 'pg';

const BIGINT = 20;
const TIMESTAMPTZ = 1184;

/** How the values of a column are read. */
export function getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (format === 'binary') return pg.types.getTypeParser(oid, format);
  // Offsets, versions and sequence numbers stay far below 2^53.
  if (oid === BIGINT) return Number;
  return oid === TIMESTAMPTZ ? readTimestamp : pg.types.getTypeParser(oid, format);
}

/** `2026-11-29 10:05:02.12+00`: a time in UTC, for which connections ask, of a year with four digits. */
const [DATE_END, TIME_END, UTC] = [10, 19, '+00'];

/** RFC 3339 in UTC to the millisecond, as clients get it; `infinity` as it is. A `Date` would cost fifty times as much. */
export function readTimestamp(text: string): string {
  if (text.charAt(DATE_END) === ' ' && text.endsWith(UTC)) {
    const milliseconds = text
      .slice(TIME_END + 1, -UTC.length)
      .padEnd(3, '0')
      .slice(0, 3);
    return `${text.slice(0, DATE_END)}T${text.slice(DATE_END + 1, TIME_END)}.${milliseconds}Z`;
  }
  const date: unknown = pg.types.getTypeParser(TIMESTAMPTZ)(text);
  return date instanceof Date ? date.toISOString() : text;
}
