import { io, type Socket } from 'socket.io-client';
import {
  decodeCursor,
  isEvicted,
  evictionOf,
  ROOM_MEMBER_ADDED,
  ROOM_MEMBER_REMOVED,
  roomChannel,
  userChannel,
  type Ack,
  type ClientToServerEvents,
  type Envelope,
  type ServerToClientEvents,
  type Session,
  type Subscribed,
} from '#contracts';

const ANSWER_MS = 10_000;

/** From where a client heard a room, what it heard, and whether that is over. */
export interface Hearing {
  /** The offset after which it was told that it hears the room. */
  from: number;
  offsets: number[];
  /** How it ended: with the event that says so, or while the client was away. */
  end?: 'told' | 'away';
}

export interface CrowdMemberOptions {
  userId: string;
  token: string;
  roomId: string;
  /** The instances; it begins at the one with this index, and goes on at the next when it is cut off. */
  urls: readonly string[];
  index: number;
}

/**
 * A plain socket.io client of one user in one room, as an application would write it: keeps
 * the last cursor of each channel, comes back at another instance, and subscribes whenever
 * its own channel says that it was added.
 */
export class CrowdMember {
  readonly userId: string;
  readonly roomId: string;
  readonly hearings: Hearing[] = [];
  /** All offsets of the room, as they came. */
  readonly heard: number[] = [];
  /** The instances it was connected to. */
  readonly instances: string[] = [];
  /** Resolves with the first session. */
  readonly connected: Promise<void>;
  /** Subscriptions that were refused. */
  refused = 0;
  /** Sessions in which the room went on. */
  resumed = 0;
  readonly socket: Socket<ServerToClientEvents, ClientToServerEvents>;
  readonly #channel: string;
  readonly #cursors = new Map<string, string>();
  #isMember = false;

  constructor({ userId, token, roomId, urls, index }: CrowdMemberOptions) {
    this.userId = userId;
    this.roomId = roomId;
    this.#channel = roomChannel(roomId);
    let at = index;
    this.socket = io(urls[at % urls.length], {
      transports: ['websocket'],
      forceNew: true,
      reconnectionDelay: 100,
      reconnectionDelayMax: 1_000,
      auth: (send) => send({ token, ...(this.#cursors.size > 0 && { cursors: [...this.#cursors.values()] }) }),
    });
    const goOn = (): void => void Object.assign(this.socket.io, { uri: urls[++at % urls.length] });
    this.socket.on('disconnect', goOn);
    this.socket.io.on('reconnect_error', goOn);
    this.connected = new Promise((resolve) => this.socket.once('session', () => resolve()));
    this.socket.on('session', (session) => this.begin(session));
    this.socket.on('outcome', ({ channel, cursor }) => this.#cursors.set(channel, cursor));
    this.socket.on('event', (event) => {
      if ('offset' in event) this.hear(event);
    });
  }

  /** What it hears now, if anything. */
  get hearing(): Hearing | undefined {
    const last = this.hearings.at(-1);
    return last?.end === undefined ? last : undefined;
  }

  /** The last cursor of the room. */
  get cursor(): string | undefined {
    return this.#cursors.get(this.#channel);
  }

  /** Subscribes to the room: from now on, or from a cursor. */
  async subscribe(cursor?: string): Promise<Ack<Subscribed> | undefined> {
    const command = { channel: this.#channel, ...(cursor !== undefined && { cursor }) };
    const answer = await new Promise<Ack<Subscribed> | undefined>((resolve) => {
      this.socket.timeout(ANSWER_MS).emit('subscribe', command, (error, given) => {
        // At once: what ends the membership may come right behind the answer.
        if (!error && given.ok && !this.hearing) this.open(given.cursor);
        resolve(error ? undefined : given);
      });
    });
    if (answer && !answer.ok) this.refused += 1;
    return answer;
  }

  close(): void {
    this.socket.disconnect();
  }

  private begin(session: Session): void {
    this.instances.push(session.instance);
    const inRoom = session.cursors.find((text) => decodeCursor(text)?.channel === this.#channel);
    if (this.hearing && inRoom !== this.cursor) this.hearing.end = 'away';
    if (inRoom === undefined) this.#cursors.delete(this.#channel);
    else this.resumed += 1;
    for (const text of session.cursors) this.#cursors.set(decodeCursor(text)!.channel, text);
    if (inRoom !== undefined && !this.hearing) this.open(inRoom);
    if (inRoom === undefined && this.#isMember) void this.subscribe();
  }

  private open(cursor: string): void {
    this.#cursors.set(this.#channel, cursor);
    this.hearings.push({ from: decodeCursor(cursor)!.offset, offsets: [] });
  }

  private hear(event: Envelope): void {
    const { channel, cursor, offset, type, data } = event;
    this.#cursors.set(channel, cursor);
    if (channel === userChannel(this.userId)) {
      if ((data as { roomId?: string }).roomId !== this.roomId) return;
      if (type === ROOM_MEMBER_REMOVED) this.#isMember = false;
      if (type === ROOM_MEMBER_ADDED) {
        this.#isMember = true;
        void this.subscribe();
      }
    }
    if (channel !== this.#channel) return;
    this.heard.push(offset);
    const { hearing } = this;
    hearing?.offsets.push(offset);
    if (!isEvicted(evictionOf(event), this.userId)) return;
    this.#cursors.delete(channel);
    if (hearing) hearing.end = 'told';
  }
}

/** Resolves when all of them have had a session. */
export async function allConnected(members: readonly CrowdMember[]): Promise<void> {
  await Promise.all(members.map(({ connected }) => connected));
}
