import { setImmediate as turn } from 'node:timers/promises';
import { checkOf, encodeCursor, type Cursor, type Envelope } from '#contracts';
import { ChannelHistory, type HistoryPage, type HistoryRequest } from './channel-history.ts';

/** A history in memory, for specs: can be away, and can become another one. */
export class MemoryHistory extends ChannelHistory {
  isAway = false;
  readonly reads: (readonly HistoryRequest[])[] = [];
  readonly headReads: (readonly string[])[] = [];
  readonly #events = new Map<string, Envelope[]>();
  /** The offset of the oldest retained event, where older ones are gone. */
  readonly #oldest = new Map<string, number>();
  #epoch = 1;

  get epoch(): string {
    return String(this.#epoch).padStart(12, '0');
  }

  /** Forgets everything, as a database that was set up anew. */
  startAnew(): void {
    this.#epoch += 1;
    this.#events.clear();
    this.#oldest.clear();
  }

  /** Drops the events before an offset. */
  prune(channel: string, oldest: number): void {
    this.#oldest.set(channel, oldest);
  }

  append(channel: string, type = 'message.created', data: object | null = null): Envelope {
    const events = this.#events.get(channel) ?? [];
    this.#events.set(channel, events);
    const offset = events.length + 1;
    const id = `00000000-0000-7000-8000-${(this.#epoch * 1_000_000 + offset).toString(16).padStart(12, '0')}`;
    const event: Envelope = {
      specversion: '1.0',
      id,
      source: '/tidings',
      type,
      subject: `messages/${offset}`,
      time: '2026-01-01T00:00:00.000Z',
      channel,
      offset,
      cursor: encodeCursor({ channel, offset, check: checkOf(id) }),
      data,
    };
    events.push(event);
    return event;
  }

  head(channel: string): Cursor {
    const last = this.#events.get(channel)?.at(-1);
    return { channel, offset: last?.offset ?? 0, check: last ? checkOf(last.id) : this.epoch };
  }

  async heads(channels: readonly string[]): Promise<Cursor[]> {
    this.headReads.push(channels);
    await this.answer();
    return channels.map((channel) => this.head(channel));
  }

  async read(requests: readonly HistoryRequest[]): Promise<HistoryPage[]> {
    this.reads.push(requests);
    await this.answer();
    return requests.map((request) => this.page(request));
  }

  private page({ channel, after, check, limit }: HistoryRequest): HistoryPage {
    const events = this.#events.get(channel) ?? [];
    const head = this.head(channel);
    const { epoch } = this;
    const oldest = this.#oldest.get(channel) ?? 1;
    const known = after === 0 ? epoch : events[after - 1] && checkOf(events[after - 1]!.id);
    if (after > head.offset) return { events: [], reason: 'CURSOR_FUTURE', head, epoch };
    if (after + 1 < oldest && after < head.offset) {
      return { events: events.slice(oldest - 1, oldest - 1 + limit), reason: 'CURSOR_TOO_OLD', head, epoch };
    }
    if (check !== undefined && check !== known) return { events: [], reason: 'CURSOR_EPOCH', head, epoch };
    return { events: events.slice(after, after + limit), head, epoch };
  }

  private async answer(): Promise<void> {
    await turn();
    if (this.isAway) throw new Error('the history is away');
  }
}
