import { decodeCursor, isRoomChannel, type Envelope, type Session, type Subscribed } from '#contracts';

interface Position {
  /** Offset of the last event that came. */
  offset: number;
  cursor: string;
  /** Everything after this offset was heard, or will be. */
  since: number;
  /** Cursor of the last event whose listeners have returned. */
  handled: string;
  /** The next one was left by all its listeners: `handled` stays where it is, so that it comes again. */
  isLeft: boolean;
  /** Taken from a 202: no session has begun there yet. */
  isAdopted: boolean;
  /** Offset before an event that came too early. */
  gapAfter?: number;
}

/** What to do with an event that came. */
export type Arrival = 'next' | 'seen' | 'early';

/**
 * Where this client is in each of its channels. An event passes twice: when it comes, which
 * decides whether it is new, and when its listeners have returned, which decides where the
 * next client on the same storage goes on.
 */
export class Positions {
  readonly #channels = new Map<string, Position>();
  readonly #replayFromStart: boolean;

  constructor(kept: readonly string[], replayFromStart: boolean) {
    this.#replayFromStart = replayFromStart;
    for (const cursor of kept) this.begin(cursor);
  }

  /** What a handshake brings: rooms are subscribed to after it, each by its own command. */
  get forHandshake(): string[] {
    const own = [...this.#channels].filter(([channel]) => !isRoomChannel(channel));
    const cursors = own.map(([, { cursor }]) => cursor);
    return cursors.length === 0 && this.#replayFromStart ? ['0'] : cursors;
  }

  /** What the next client on the same storage begins with. */
  get handled(): string[] {
    return [...this.#channels.values()].map(({ handled }) => handled);
  }

  /** The user of this client is known: what was kept without a position of theirs is another one's, rooms too. */
  belongTo(ownChannel: string): void {
    if (!this.#channels.has(ownChannel)) this.#channels.clear();
  }

  /**
   * Takes the cursor of a 202 while no position is known in its channel, of several the
   * lowest: who submits first and connects later hears the outcome all the same.
   */
  adopt(cursor: string): void {
    const found = decodeCursor(cursor);
    if (!found || this.#replayFromStart) return;
    const known = this.#channels.get(found.channel);
    if (!known || (known.isAdopted && found.offset < known.offset)) this.begin(cursor, true);
  }

  /**
   * A connection begins where its session says.
   *
   * @returns false when it begins after a position that it was not told: connect anew
   */
  start({ cursors, reasons = {} }: Pick<Session, 'cursors' | 'reasons'>): boolean {
    const starts = cursors.map((cursor) => ({ cursor, found: decodeCursor(cursor)! }));
    for (const { found } of starts) {
      const known = this.#channels.get(found.channel);
      if (known?.isAdopted && !reasons[found.channel] && found.offset > known.offset) return false;
    }
    const heard = new Set(starts.map(({ found }) => found.channel));
    for (const channel of this.#channels.keys()) {
      if (!heard.has(channel) && !isRoomChannel(channel)) this.#channels.delete(channel);
    }
    for (const { cursor, found } of starts) {
      const known = this.#channels.get(found.channel);
      if (known && !reasons[found.channel] && known.offset === found.offset) known.isAdopted = false;
      else this.begin(cursor);
    }
    return true;
  }

  /** Where it is in a channel, as a cursor; undefined when nothing is known of it. */
  cursorOf(channel: string): string | undefined {
    return this.#channels.get(channel)?.cursor;
  }

  /**
   * A subscription begins where its answer says. Events that came meanwhile count: the
   * subscription before it, which was ended or left by the client, may have brought them.
   */
  subscribed({ cursor, reason }: Subscribed): void {
    const found = decodeCursor(cursor);
    if (!found) return;
    const known = this.#channels.get(found.channel);
    if (!known || reason || found.offset > known.offset) this.begin(cursor);
  }

  /** Nothing is to be remembered of a room. The other channels are heard whatever is subscribed to. */
  forget(channel: string): void {
    if (isRoomChannel(channel)) this.#channels.delete(channel);
  }

  /** An event came. One that is early is taken when it comes again: what was between is not kept any more. */
  arrive({ channel, offset, cursor }: Envelope): Arrival {
    const position = this.#channels.get(channel);
    if (!position) {
      this.begin(cursor);
      return 'next';
    }
    if (offset <= position.offset) return 'seen';
    if (offset > position.offset + 1 && position.gapAfter !== position.offset) {
      position.gapAfter = position.offset;
      return 'early';
    }
    position.offset = offset;
    position.cursor = cursor;
    return 'next';
  }

  /** The channel as it is now: what came from it can be settled later, see {@link settle}. */
  historyOf(channel: string): object | undefined {
    return this.#channels.get(channel);
  }

  /**
   * An event was handled, or left by all its listeners before they came to it.
   *
   * @param history what {@link historyOf} gave when the event came; another one has begun since then or not
   * @returns whether the next client goes on behind it
   */
  settle({ channel, cursor }: Envelope, history: object | undefined, isHandled: boolean): boolean {
    const position = this.#channels.get(channel);
    if (!position || position !== history) return false;
    position.isLeft ||= !isHandled;
    if (!position.isLeft) position.handled = cursor;
    return !position.isLeft;
  }

  /** Somebody listens anew where nobody did: goes back to what was left. */
  rewind(channel: string): void {
    const position = this.#channels.get(channel);
    if (position?.isLeft) this.begin(position.handled);
  }

  /** Whether the outcome of an action that was accepted at a cursor was heard, or will be. */
  covers(cursor: string): boolean {
    const accepted = decodeCursor(cursor);
    const position = accepted && this.#channels.get(accepted.channel);
    return !!position && accepted.offset >= position.since;
  }

  private begin(cursor: string, isAdopted = false): void {
    const found = decodeCursor(cursor);
    if (!found) return;
    const { channel, offset } = found;
    this.#channels.set(channel, { offset, cursor, since: offset, handled: cursor, isLeft: false, isAdopted });
  }
}
