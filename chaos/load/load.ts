import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '#testing';
import { roomChannel } from '#contracts';
import type { Submit } from '../history/history.ts';
import type { Recorder } from '../history/recorder.ts';
import { integer, pick, randomFrom, type Random } from '../schedule/random.ts';
import { ClientUser } from './client-user.ts';
import { lifeOfResource, type Operation } from './operation.ts';
import { PlainUser } from './plain-user.ts';

export interface LoadOptions {
  seed: number;
  /** URL of the api, and of the ways to the sockets. */
  api: string;
  lines: readonly string[];
  /** Where the client listens that may be slow. */
  slowLine: string;
  perSecond: number;
  recorder: Recorder;
}

const PLAIN_USERS = 14;
const CLIENT_USERS = 8;
const STRANGERS = 2;
const ROOMS = 3;
const MEMBERS_EACH = 5;

/** Resources that a user changes at the same time. */
const LANES = 2;

/** For how long a submit is repeated, in milliseconds; a few are never. */
const PATIENCE_MS = 90_000;
const IMPATIENT = 0.05;

/** Time between two tries of a stranger, in milliseconds. */
const PRY_EVERY_MS = 1_000;

type User = PlainUser | ClientUser;

/** Users who ask for actions at a steady rate, and hear what becomes of them. */
export class Load {
  readonly users: User[] = [];
  /** Listens on a way of its own, too. */
  slow!: PlainUser;
  /** Submits what is bad for workers. */
  poisoner!: PlainUser;
  readonly #strangers: PlainUser[] = [];
  readonly #rooms: { id: string; members: User[] }[] = [];
  readonly #options: LoadOptions;
  readonly #running: Promise<void>[] = [];
  #isOver = false;

  private constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Lets everybody connect, and enter their rooms. */
  static async gather(options: LoadOptions): Promise<Load> {
    const load = new Load(options);
    const { api, lines, slowLine, recorder } = options;
    const plain = (id: string, sockets: readonly string[]): Promise<PlainUser> =>
      PlainUser.join(id, api, sockets, recorder);
    for (let index = 0; index < PLAIN_USERS; index += 1) load.users.push(await plain(`plain-${index}`, lines));
    for (let index = 0; index < CLIENT_USERS; index += 1) {
      load.users.push(await ClientUser.join(`client-${index}`, api, lines[index % lines.length]!, recorder));
    }
    for (let index = 0; index < STRANGERS; index += 1) load.#strangers.push(await plain(`stranger-${index}`, lines));
    load.slow = await plain('slow', [slowLine, lines[0]!]);
    load.poisoner = await plain('poisoner', [lines[0]!]);
    for (let index = 0; index < ROOMS; index += 1) await load.openRoom(index);
    return load;
  }

  start(): void {
    const { seed, perSecond } = this.#options;
    const busy = [...this.users, this.slow];
    const intervalMs = (1_000 * LANES * busy.length) / perSecond;
    for (const [index, user] of busy.entries()) {
      for (let lane = 0; lane < LANES; lane += 1) {
        this.#running.push(this.work(user, randomFrom(seed + index * LANES + lane), intervalMs));
      }
    }
    for (const [index, stranger] of this.#strangers.entries()) {
      this.#running.push(this.pry(stranger, randomFrom(seed - 1 - index)));
    }
  }

  /** Resolves once all that was begun has been answered, or given up. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running);
  }

  /** Users of the client library whose list of pending actions is not empty. */
  waiting(): string[] {
    return this.users
      .filter((user) => user instanceof ClientUser && user.pending > 0)
      .map((user) => `${user.id} still waits for ${(user as ClientUser).pending}`);
  }

  close(): void {
    for (const user of this.users) if (user instanceof ClientUser) user.close();
  }

  /** One resource after the other, step by step: the next is sent when the one before it was answered. */
  private async work(user: User, random: Random, intervalMs: number): Promise<void> {
    await delay(random() * intervalMs);
    while (!this.#isOver) {
      const rooms = this.#rooms.filter(({ members }) => members.includes(user)).map(({ id }) => id);
      for (const operation of lifeOfResource(random, rooms)) {
        if (this.#isOver) return;
        const dueAt = performance.now() + intervalMs * (0.5 + random());
        const { end } = await user.submit(operation, random() < IMPATIENT ? 0 : PATIENCE_MS);
        // Whether it is applied at all is not known: what follows it would be of no use.
        if (end !== 'accepted') break;
        await delay(Math.max(0, dueAt - performance.now()));
      }
    }
  }

  private async pry(stranger: PlainUser, random: Random): Promise<void> {
    const { recorder } = this.#options;
    while (!this.#isOver) {
      await stranger.pry(pick(random, this.#rooms).id, lastAccepted(recorder)?.actionIds[0]);
      await delay(PRY_EVERY_MS);
    }
  }

  private async openRoom(index: number): Promise<void> {
    const { recorder } = this.#options;
    const owner = this.users[index] as PlainUser;
    const room = { id: randomUUID(), members: [] as User[] };
    const done = async (operation: Omit<Operation, 'resource' | 'id'> & Partial<Operation>): Promise<void> => {
      const { end, refusal } = await owner.submit({ resource: 'rooms', id: room.id, ...operation }, PATIENCE_MS);
      if (end !== 'accepted') throw new Error(`${operation.verb} in a room: ${end} ${refusal}`);
      await eventually(() => {
        if (recorder.awaited().length > 0) throw new Error(`${operation.verb} in a room has no outcome`);
      });
    };
    await done({ verb: 'create', payload: { name: `room ${index}` } });
    const size = Math.min(MEMBERS_EACH, this.users.length);
    const first = integer(randomFrom(index), 0, this.users.length);
    const members = Array.from({ length: size }, (_, step) => this.users[(first + step * 3) % this.users.length]!);
    for (const { id } of members.filter((member) => member !== owner)) {
      await done({ verb: 'addMember', payload: { userId: id } });
    }
    room.members = [...new Set([owner, ...members])];
    for (const member of room.members) await member.enter(room.id);
    this.#rooms.push(room);
    // From its first event on, everybody has a cursor in it.
    await done({ resource: 'messages', id: randomUUID(), verb: 'create', payload: { text: 'hello', roomId: room.id } });
    await eventually(() => {
      const heard = recorder.hearings.filter(({ channel }) => channel === roomChannel(room.id));
      const ears = new Set(heard.map(({ ear }) => ear.userId));
      if (room.members.some(({ id }) => !ears.has(id))) throw new Error(`not all members hear room ${index}`);
    });
  }
}

function lastAccepted({ submits }: Recorder): Submit | undefined {
  return submits.findLast(({ end }) => end === 'accepted');
}
