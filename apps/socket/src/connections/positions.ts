import type { ChannelsServer, HistoryPage, HistoryRequest, OrderedChannel } from '#channels';
import { encodeCursor, type Cursor, type CursorReason, type Envelope } from '#contracts';
import type { Membership } from '#ledger';
import type { GivenCursors } from './given-cursors.ts';

/** Where a connection starts in a channel. */
export interface StartPosition {
  channel: OrderedChannel;
  from: Cursor;
  /** Why the given cursor could not be honoured whole. */
  reason?: CursorReason;
  /** What follows `from`, as far as it was read already. */
  missed: Envelope[];
}

/** Events replayed at once. */
const PAGE = 100;

/** What stands for the check of an event that is not retained any more. */
const UNKNOWN_CHECK = '000000000000';

interface Known {
  /** In a channel of members. */
  membership?: Membership | undefined;
  /** What follows the given cursor, if it was read already. */
  missed?: HistoryPage | undefined;
}

/**
 * Finds where a connection starts in a channel: at its cursor; at the oldest retained event
 * if that is too old; else from now. In a channel of members, never before the membership began.
 */
export async function startPosition(
  channels: ChannelsServer,
  channel: OrderedChannel,
  { byChannel, fromBeginning }: GivenCursors,
  { membership, missed }: Known = {},
): Promise<StartPosition> {
  // The position that was read with the membership: what ends it comes after that.
  const now = membership?.position ?? channel.position!;
  const given = byChannel.get(channel.name);
  const isBelow = membership && (given?.offset ?? 0) < membership.floor.offset;
  const cursor = isBelow && (given || fromBeginning) ? membership.floor : given;
  const isUpToDate = cursor?.offset === now.offset && cursor.check === now.check;
  if (isUpToDate || (!cursor && !fromBeginning)) return { channel, from: now, missed: [] };
  const { reason, events, head, epoch } =
    missed ?? (await channels.history.read(cursor ? behind(cursor) : { channel: channel.name, after: 0, limit: PAGE }));
  if (cursor && !reason) return { channel, from: cursor, missed: events };
  // Nothing was given that could be too old: from the beginning of what is retained.
  const isAsked = given || reason !== 'CURSOR_TOO_OLD';
  const known = cursor && reason && isAsked ? { reason } : {};
  if (reason && reason !== 'CURSOR_TOO_OLD') return { channel, from: now, missed: [], ...known };
  return { channel, from: positionBefore(events[0], { head, epoch }), missed: events, ...known };
}

/** What asks the history for what follows the cursor of a client. */
export function behind({ channel, offset: after, check }: Cursor): HistoryRequest {
  return { channel, after, check, limit: PAGE };
}

/** The position before the oldest retained event; that of the newest one when none is retained. */
function positionBefore(oldest: Envelope | undefined, { head, epoch }: Pick<HistoryPage, 'head' | 'epoch'>): Cursor {
  if (!oldest) return head;
  const offset = oldest.offset - 1;
  return { channel: oldest.channel, offset, check: offset === 0 ? epoch : UNKNOWN_CHECK };
}

/** What the session says of the positions. */
export function describePositions(
  starts: readonly StartPosition[],
  { byChannel, unreadable }: GivenCursors,
): { recovered: boolean; reasons?: Record<string, CursorReason>; cursors: string[] } {
  const reasons = new Map<string, CursorReason>();
  const heard = new Set(starts.map(({ channel }) => channel.name));
  for (const name of byChannel.keys()) if (!heard.has(name)) reasons.set(name, 'CURSOR_INVALID');
  for (const { channel, reason } of starts) if (reason) reasons.set(channel.name, reason);
  // What cannot be read names no channel: the first one, the own, speaks for it.
  const own = starts[0]!.channel.name;
  if (unreadable > 0 && !reasons.has(own)) reasons.set(own, 'CURSOR_INVALID');
  const recovered = reasons.size === 0;
  return {
    recovered,
    // Cursors name channels as they please, `__proto__` too.
    ...(!recovered && { reasons: Object.fromEntries(reasons) }),
    cursors: starts.map(({ from }) => encodeCursor(from)),
  };
}
