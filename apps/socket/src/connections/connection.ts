import { hasExpired, type Identity } from '#auth';
import { GOAWAY_REASONS, type Envelope, type Goaway, type Session } from '#contracts';
import { counters } from '#telemetry';
import type { StartPosition } from './positions.ts';

/** Sent to one connection alone; what goes to a channel is sent once for all who are in it. */
export interface DirectMessages {
  session: Session;
  goaway: Goaway;
}

const goawayCounts = counters('goaways', 'Connections that this instance ended', 'reason', GOAWAY_REASONS);

/** How long a farewell may take to be written, in milliseconds. */
export const FAREWELL_MS = 1_000;

/** Most that may wait to be sent to a client, in bytes; beyond it the client is too slow. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;

/** A client that leaves even little unread for so long is too slow, in milliseconds. */
const LONGEST_STANDSTILL_MS = 10_000;

/** Up to it a replay goes on. In bytes so little that a slow line takes it before its client counts as too slow. */
const LITTLE = { messages: 50, bytes: 256 * 1024 };

/** That a connection hears a channel, from its start to its end. */
export interface Hearing {
  /** It has entered the channel: what is sent there reaches it. Before that it gets replays of its own. */
  hasEntered: boolean;
  /** It is over; a replay that goes on must stop. */
  isOver: boolean;
  /** Its user is counted as present. */
  isPresent?: true;
  /** Where it started in a room, once that is known. */
  start?: Pick<StartPosition, 'channel' | 'from'>;
  /** Called when it is over. */
  onOver?: () => void;
}

/** One client that listens here, on whatever transport. */
export abstract class Connection {
  abstract readonly id: string;
  /** Channels that are open for it. */
  readonly channels = new Map<string, Hearing>();
  #identity: Identity | null;
  #standsStillSince: number | undefined;
  #waitingBefore = 0;
  #isEnded = false;
  #last: Promise<unknown> = Promise.resolve();
  #starting: Promise<unknown> | undefined;

  constructor(identity: Identity | null) {
    this.#identity = identity;
  }

  abstract get isOpen(): boolean;

  /** Sends to this client alone. */
  abstract send<Name extends keyof DirectMessages>(name: Name, message: DirectMessages[Name]): void;

  /** Sends an event that this client has missed. */
  abstract replay(event: Envelope): void;

  /** From now on it gets what is sent to the channel. */
  abstract enter(channel: string): void;

  /** From now on it gets nothing any more that is sent to the channel. */
  abstract leave(channel: string): void;

  /** What is written for the client and not taken by the network. */
  abstract get waiting(): { messages: number; bytes: number };

  /** Resolves when something was taken by the network, or the connection is closed. */
  abstract drained(): Promise<void>;

  /** Closes the transport in the way after which clients come back by themselves. */
  protected abstract close(atOnce: boolean): void;

  get identity(): Identity | null {
    return this.#identity;
  }

  /** Begins its session. */
  start<Result>(work: () => Promise<Result>): Promise<Result> {
    const session = this.inTurn(work);
    const end = (): void => (this.#starting = undefined);
    this.#starting = session.then(end, end);
    return session;
  }

  /** Resolves when its session has begun, or cannot: what happens before that is not heard here. */
  async started(): Promise<void> {
    if (this.#starting) await this.#starting;
  }

  /** Does one thing after the other, in the order of the calls. */
  inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work);
    // Nothing of what it gave is kept.
    this.#last = turn.then(ignore, ignore);
    return turn;
  }

  /** Goes on with a newer token of the same user, or as a user and no guest any more. */
  renew(identity: Identity): void {
    this.#identity = identity;
  }

  /** Tells the client why it is cut off, and when it may come back. */
  end(reason: Goaway['reason'], reconnectInMs: number): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    goawayCounts[reason].inc();
    this.send('goaway', { reason, reconnectInMs });
    // Who does not read gets no farewell.
    this.close(reason === 'slow_consumer');
  }

  /** It was told to go, and will be gone in a moment. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Cuts it off without a word; the client tries again. */
  cut(): void {
    this.close(true);
  }

  /** Whether the client has taken most of what was sent, so that more may follow. */
  get isKeepingUp(): boolean {
    const { messages, bytes } = this.waiting;
    return messages <= LITTLE.messages && bytes <= LITTLE.bytes;
  }

  /** Resolves when it is keeping up, or the connection is closed. */
  async keepsUp(): Promise<void> {
    while (this.isOpen && !this.isKeepingUp) {
      await this.drained();
      // It takes what it is sent, though a replay fills up as fast.
      this.#standsStillSince = undefined;
    }
  }

  /** Whether it takes up what it is sent; to be asked now and then. */
  isTooSlow(now: number): boolean {
    const { messages, bytes } = this.waiting;
    const stands = messages > 0 && messages >= this.#waitingBefore;
    this.#waitingBefore = messages;
    this.#standsStillSince = stands ? (this.#standsStillSince ?? now) : undefined;
    if (bytes > MOST_WAITING_BYTES) return true;
    return this.#standsStillSince !== undefined && now - this.#standsStillSince > LONGEST_STANDSTILL_MS;
  }

  /** Whether its token has expired; to be asked now and then, since a timer a connection takes memory. */
  hasExpired(time: number): boolean {
    return this.#identity !== null && hasExpired(this.#identity, time);
  }
}

function ignore(): void {}
