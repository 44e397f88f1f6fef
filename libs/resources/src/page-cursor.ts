import { ProblemError } from '#contracts';
import type { Page } from './resource.ts';

/** Place of a row in a list that is ordered by time and id, the newest first. */
export interface PageCursor {
  createdAt: string;
  id: string;
}

/** As `toISOString()` writes it, of years that Postgres reads. */
const TIME = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function encodePageCursor({ createdAt, id }: PageCursor): string {
  return Buffer.from(`${createdAt} ${id}`).toString('base64url');
}

/**
 * @throws {ProblemError} `CURSOR_INVALID` when it is none of ours
 */
export function decodePageCursor(text: string): PageCursor {
  const [createdAt = '', id = ''] = Buffer.from(text, 'base64url').toString().split(' ');
  if (!isTime(createdAt) || !UUID.test(id)) {
    throw new ProblemError('CURSOR_INVALID', 'Pass "next" of the page before as "after", unchanged');
  }
  return { createdAt, id };
}

/** There is no 30 February, and no 24:00. */
function isTime(text: string): boolean {
  return TIME.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString() === text;
}

/** The page of a list from its rows, one more of which was read than the page holds. */
export function toPage<View extends PageCursor>(rows: readonly View[], limit: number): Page<View> {
  const data = rows.slice(0, limit);
  return { data, next: rows.length > limit ? encodePageCursor(data.at(-1)!) : null };
}
