import { Injectable } from '@nestjs/common';
import { checkOf, type CursorReason, type Cursor, type Envelope } from '#contracts';
import { Database } from '#database';
import { outcomeEvent, toEnvelope } from './event-row.ts';
import { headsStatement, readHistoryStatement, type HeadRow, type HistoryRow } from './statements/history.ts';

/** What to read: events after a position. Without a `check` the position is trusted. */
export interface HistoryRequest {
  channel: string;
  after: number;
  check?: string;
  /** Most events in the answer. */
  limit: number;
}

export interface HistoryPage {
  /** In order, without a hole, from `after + 1` (or from the oldest retained, when `reason` is there). */
  events: Envelope[];
  /** Why the position could not be honoured whole. */
  reason?: CursorReason;
  /** The newest position of the channel when it was read. */
  head: Cursor;
  /** The check of offset 0. */
  epoch: string;
}

/** Reads channels back from the ledger: the port `ChannelHistory` of the channels library. */
@Injectable()
export class LedgerHistory {
  constructor(private readonly database: Database) {}

  /** The newest position of each channel, in the order given. */
  async heads(channels: readonly string[]): Promise<Cursor[]> {
    return (await this.headRows(channels)).map(positionOf);
  }

  private async headRows(channels: readonly string[]): Promise<HeadRow[]> {
    const rows = new Map((await headsStatement(this.database, channels)).map((row) => [row.channel, row]));
    return channels.map((channel) => rows.get(channel)!);
  }

  /** A page of each channel, in the order of the requests: two queries at most, however many they are. */
  async read(requests: readonly HistoryRequest[]): Promise<HistoryPage[]> {
    // Heads first: events that come in between are read, and a head is never ahead of them.
    const heads = await this.headRows(requests.map(({ channel }) => channel));
    // From the known event itself, to compare its check.
    const ranges = requests.flatMap((request, index) => {
      const { channel, after: from, limit } = request;
      // Behind the newest position there is nothing.
      return from === heads[index]!.head ? [] : { index, channel, from, limit: limit + 1 };
    });
    const rows = ranges.length === 0 ? [] : await readHistoryStatement(this.database, ranges);
    const pages = requests.map((): HistoryRow[] => []);
    for (const row of rows) pages[ranges[row.n - 1]!.index]!.push(row);
    return requests.map((request, index) => pageOf(request, heads[index]!, pages[index]!));
  }
}

function positionOf({ channel, head, check }: HeadRow): Cursor {
  return { channel, offset: head, check };
}

function pageOf({ channel, after, check, limit }: HistoryRequest, row: HeadRow, rows: HistoryRow[]): HistoryPage {
  const head = positionOf(row);
  const known = rows[0]?.offset === after ? rows.shift() : undefined;
  const events = rows.slice(0, limit).map((event) => eventOf(channel, event));
  const reason = reasonAgainst({ after, check }, row, known, rows[0]);
  return {
    events: reason === 'CURSOR_EPOCH' ? [] : events,
    head,
    epoch: row.epoch,
    ...(reason && { reason }),
  };
}

/** Why a position is not one from which everything that followed can be given. */
function reasonAgainst(
  { after, check }: { after: number; check: string | undefined },
  { head, check: headCheck, epoch }: HeadRow,
  known: HistoryRow | undefined,
  next: HistoryRow | undefined,
): CursorReason | undefined {
  if (next ? next.offset !== after + 1 : after < head) return 'CURSOR_TOO_OLD';
  if (!known && after > head) return 'CURSOR_FUTURE';
  if (check === undefined) return undefined;
  if (known) return checkOf(known.event_id) === check ? undefined : 'CURSOR_EPOCH';
  if (after === 0) return check === epoch ? undefined : 'CURSOR_EPOCH';
  // The event at the head may be pruned; its check stays with the channel.
  if (after === head) return headCheck === check ? undefined : 'CURSOR_EPOCH';
  // The event itself is pruned, what follows it is all there.
  return undefined;
}

function eventOf(channel: string, row: HistoryRow): Envelope {
  const position = { id: row.event_id, channel, offset: row.offset, created_at: row.created_at };
  if (row.id === null || row.type === null) {
    return toEnvelope({ ...position, type: row.event_type, subject: row.subject, data: row.data ?? 'null' });
  }
  return toEnvelope(outcomeEvent(position, { ...row, id: row.id, type: row.type }));
}
