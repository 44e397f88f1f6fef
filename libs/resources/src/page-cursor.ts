import { ProblemError } from '#contracts';
import type { Page } from './resource.ts';

/** Place of a row in a list that is ordered by time and id, the newest first. */
export interface PageCursor {
  createdAt: string;
  id: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function encodePageCursor({ createdAt, id }: PageCursor): string {
  return Buffer.from(`${createdAt} ${id}`).toString('base64url');
}

/**
 * @throws {ProblemError} `CURSOR_INVALID` when it is none of ours
 */
export function decodePageCursor(text: string): PageCursor {
  const [createdAt = '', id = ''] = Buffer.from(text, 'base64url').toString().split(' ');
  if (Number.isNaN(Date.parse(createdAt)) || !UUID.test(id)) {
    throw new ProblemError('CURSOR_INVALID', 'Pass "next" of the page before as "after", unchanged');
  }
  return { createdAt: new Date(createdAt).toISOString(), id };
}

/** The page of a list from its rows, one more of which was read than the page holds. */
export function toPage<View extends PageCursor>(rows: readonly View[], limit: number): Page<View> {
  const data = rows.slice(0, limit);
  return { data, next: rows.length > limit ? encodePageCursor(data.at(-1)!) : null };
}
