import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { CrowdMember, allConnected } from './crowd-member.ts';

/** Rooms that are prepared at once. */
const OPENED_AT_ONCE = 10;

/** Rooms whose members come and go; the others keep theirs. */
const RESTLESS_ROOMS = 10;

export interface CrowdOptions {
  api: string;
  sockets: readonly string[];
  rooms: number;
  membersEach: number;
  tokenOf: (user: string) => Promise<string>;
}

interface CrowdRoom {
  id: string;
  creator: string;
  /** Members as they were asked for; what is under way may differ. */
  present: Set<string>;
  users: string[];
}

/** Rooms full of people who talk, come and go, and of one stranger each who would like to listen. */
export class Crowd {
  readonly rooms: CrowdRoom[] = [];
  readonly members: CrowdMember[] = [];
  readonly strangers: CrowdMember[] = [];
  accepted = 0;
  /** Requests that were not answered 202. */
  unanswered = 0;
  joins = 0;
  leaves = 0;
  readonly #tokens = new Map<string, string>();

  readonly #options: CrowdOptions;

  private constructor(options: CrowdOptions) {
    this.#options = options;
  }

  /** Everybody is connected, and hears the room. */
  static async gather(options: CrowdOptions): Promise<Crowd> {
    const crowd = new Crowd(options);
    const run = randomUUID().slice(0, 8);
    const names = Array.from({ length: options.rooms }, (_, room) => `${run}-${room}`);
    while (names.length > 0)
      await Promise.all(names.splice(0, OPENED_AT_ONCE).map((name, index) => crowd.open(name, index)));
    return crowd;
  }

  get roomIds(): string[] {
    return this.rooms.map(({ id }) => id);
  }

  /** Says and changes things at a pace, for a time. */
  async live({ ms, messages, changes }: { ms: number; messages: number; changes: number }): Promise<void> {
    const startedAt = performance.now();
    const all: Promise<void>[] = [];
    const wanted = { messages: (ms * messages) / 1_000, changes: (ms * changes) / 1_000 };
    const made = { messages: 0, changes: 0 };
    // All of them, however busy this process is; then it takes longer.
    while (made.messages < wanted.messages || made.changes < wanted.changes) {
      const share = Math.min(1, (performance.now() - startedAt) / ms);
      for (; made.messages < share * wanted.messages; made.messages += 1) all.push(this.say(made.messages));
      for (; made.changes < share * wanted.changes; made.changes += 1) all.push(this.change());
      await delay(5);
    }
    await Promise.all(all);
  }

  /** Strangers try with the cursors of members. */
  async pry(): Promise<void> {
    const tries = this.strangers.map(async (stranger) => {
      const { cursor } = this.members.find(({ roomId }) => roomId === stranger.roomId)!;
      // Its instance may be killed before it answers.
      while (!(await stranger.subscribe(cursor)));
    });
    await Promise.all(tries);
  }

  close(): void {
    for (const member of [...this.members, ...this.strangers]) member.close();
  }

  private async open(name: string, index: number): Promise<void> {
    const { membersEach, sockets } = this.#options;
    const id = randomUUID();
    const users = Array.from({ length: membersEach }, (_, place) => `${name}-${place}`);
    const [creator, ...others] = users as [string, ...string[]];
    const stranger = `${name}-stranger`;
    for (const user of [...users, stranger]) this.#tokens.set(user, await this.#options.tokenOf(user));
    await this.call(creator, 'POST', '/v1/actions/batch', {
      actions: [
        { type: 'rooms.create', resourceId: id, payload: { name } },
        ...others.map((userId) => ({ type: 'rooms.addMember', resourceId: id, payload: { userId } })),
      ],
    });
    await this.untilOpen(creator, id, membersEach);
    const come = (userId: string, place: number): CrowdMember =>
      new CrowdMember({ userId, token: this.#tokens.get(userId)!, roomId: id, urls: sockets, index: place });
    const came = users.map(come);
    const outside = come(stranger, index);
    await allConnected([...came, outside]);
    await Promise.all(came.map((member) => member.subscribe()));
    this.members.push(...came);
    this.strangers.push(outside);
    this.rooms.push({ id, creator, present: new Set(users), users });
  }

  private async untilOpen(creator: string, id: string, size: number): Promise<void> {
    for (;;) {
      const answer = await this.call(creator, 'GET', `/v1/rooms/${id}/members?limit=500`);
      const { data } = ((await answer?.json()) ?? {}) as { data?: unknown[] };
      if (data?.length === size) return;
      await delay(20);
    }
  }

  private async say(index: number): Promise<void> {
    const room = this.rooms[index % this.rooms.length]!;
    const authors = [...room.present];
    const author = authors[Math.floor(Math.random() * authors.length)]!;
    await this.submit(author, 'POST', '/v1/messages', { text: `message ${index}`, roomId: room.id });
  }

  /** Somebody leaves, or comes back. */
  private async change(): Promise<void> {
    // Few rooms, so that whoever was removed comes back soon.
    const room = this.rooms[Math.floor(Math.random() * Math.min(this.rooms.length, RESTLESS_ROOMS))]!;
    const absent = room.users.filter((user) => !room.present.has(user));
    const others = room.users.filter((user) => user !== room.creator && room.present.has(user));
    const from = absent.length > 0 && Math.random() < 0.5 ? absent : others;
    const user = from[Math.floor(Math.random() * from.length)]!;
    const leaves = room.present.delete(user);
    if (leaves) this.leaves += 1;
    else {
      room.present.add(user);
      this.joins += 1;
    }
    await this.submit(room.creator, leaves ? 'DELETE' : 'PUT', `/v1/rooms/${room.id}/members/${user}`);
  }

  private async submit(user: string, method: string, path: string, body?: object): Promise<void> {
    const answer = await this.call(user, method, path, body);
    await answer?.body?.cancel();
    if (answer?.status === 202) this.accepted += 1;
    else this.unanswered += 1;
  }

  private call(user: string, method: string, path: string, body?: object): Promise<Response | undefined> {
    return fetch(`${this.#options.api}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#tokens.get(user)!}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    }).catch(() => undefined);
  }
}
