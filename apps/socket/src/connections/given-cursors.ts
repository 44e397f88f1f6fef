import { CURSOR_BEGINNING, decodeCursor, type Cursor } from '#contracts';

/** Most cursors that one connection may bring. */
const MOST_CURSORS = 1_000;

/** What a client says of its positions, by channel. */
export interface GivenCursors {
  /** From the beginning of what is retained, for channels without a cursor of their own. */
  fromBeginning: boolean;
  byChannel: Map<string, Cursor>;
  /** How many were no cursors at all. */
  unreadable: number;
}

/** Reads the cursors of a client; what is undefined or null is not given. */
export function readCursors(given: readonly unknown[]): GivenCursors {
  const result: GivenCursors = { fromBeginning: false, byChannel: new Map(), unreadable: 0 };
  for (const text of given.slice(0, MOST_CURSORS)) {
    if (text === undefined || text === null) continue;
    const position = typeof text === 'string' ? decodeCursor(text) : null;
    if (text === CURSOR_BEGINNING) result.fromBeginning = true;
    else if (position) result.byChannel.set(position.channel, position);
    else result.unreadable += 1;
  }
  return result;
}
