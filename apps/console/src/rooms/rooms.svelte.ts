import { v7 as uuid } from 'uuid';
import type { ResourceClient, TidingsClient } from '#client';
import { roomChannel, type Action, type EphemeralEnvelope, type Envelope } from '#contracts';
import { ActivityEntry } from '../activity/activity-entry.svelte.ts';
import type { Activity } from '../activity/activity.svelte.ts';
import { inPlainWords, type PlainProblem } from '../problem.ts';
import { RoomMemory } from './room-memory.ts';
import type { RoomName, RoomView } from './room-view.ts';
import { Room, type RoomChange, type RoomContext } from './room.svelte.ts';

const MOST = 500;

export interface RoomsOptions {
  client: TidingsClient;
  activity: Activity;
  userId: string;
}

/** The rooms that the user is in. */
export class Rooms {
  list: readonly Room[] = $state.raw([]);
  isLoaded = $state(false);
  problem: PlainProblem | undefined = $state.raw();
  /** What happened to a room that is no longer in the list. */
  notice = $state('');
  private readonly context: RoomContext;
  private readonly resource: ResourceClient<RoomName, RoomName, RoomView>;

  constructor({ client, activity, userId }: RoomsOptions) {
    // The list says who is in.
    const lost = (room: Room): void => void (this.list.includes(room) && this.load());
    this.context = { client, activity, memory: new RoomMemory(userId), userId, lost };
    this.resource = client.resource('rooms');
  }

  get unread(): number {
    return this.list.reduce((sum, { unread }) => sum + unread, 0);
  }

  find(id: string | null): Room | undefined {
    return this.list.find((room) => room.id === id);
  }

  async load(): Promise<void> {
    try {
      const { data } = await this.resource.list({ limit: MOST });
      const present = new Set(data.map(({ id }) => id));
      for (const { id, change } of this.list) if (!change && !present.has(id)) this.gone(id, 'You are no longer in');
      for (const view of data) this.take(view);
      this.isLoaded = true;
      this.problem = undefined;
    } catch (error) {
      this.problem = inPlainWords(error);
    }
  }

  /** A session began: rooms are heard in it when they are subscribed to. */
  connected(): void {
    for (const room of this.list) if (room.view.version > 0) room.subscribe();
  }

  /** @returns the room, at once */
  create(name: string): Room {
    const now = new Date().toISOString();
    const creator = this.context.userId;
    const view = { id: uuid(), name, creator, version: 0, createdAt: now, updatedAt: now };
    const room = new Room(view, this.context);
    this.list = [room, ...this.list];
    void this.submit(room, 'create', name, () => this.resource.create({ name }, { id: view.id }));
    return room;
  }

  rename(room: Room, name: string): void {
    void this.submit(room, 'edit', name, () => this.resource.edit(room.id, { name }, { ifMatch: room.view.version }));
  }

  delete(room: Room): void {
    void this.submit(room, 'delete', room.view.name, () => this.resource.delete(room.id));
  }

  /** Forgets a change that was not made. */
  dismiss(room: Room): void {
    room.change = undefined;
    if (room.view.version === 0) this.remove(room.id);
  }

  /** Takes in an outcome, of this page or another device. */
  ended(action: Action): void {
    const { type, status, resource, response, error } = action;
    if (type.startsWith('messages.')) for (const { messages } of this.list) messages.ended(action);
    if (!type.startsWith('rooms.')) return;
    const room = this.find(resource.id);
    const view = (status === 'succeeded' ? response : error?.current) as RoomView | null | undefined;
    if (type === 'rooms.delete' && status === 'succeeded') this.remove(resource.id);
    else if (view) this.take(view);
    room?.members.settle();
    if (room) settle(room);
  }

  /** An event of a room, or of the user's own channel. */
  heard(event: Envelope | EphemeralEnvelope): void {
    const { channel, type, data } = event;
    const { roomId = '', userId } = data as { roomId?: string; userId?: string };
    const isMine = userId === this.context.userId;
    if (type === 'room.memberAdded' && isMine && !channel.startsWith('room:')) void this.join(roomId);
    this.list.find(({ id }) => roomChannel(id) === channel)?.heard(event);
    if (type === 'room.memberRemoved' && isMine) this.gone(roomId, 'You are no longer in');
    if (type === 'room.deleted') this.gone((data as { id: string }).id, 'Deleted:');
  }

  private async join(id: string): Promise<void> {
    try {
      this.take(await this.resource.get(id), true);
    } catch {
      // Removed again meanwhile.
    }
  }

  private gone(id: string, words: string): void {
    const room = this.find(id);
    if (!room) return;
    this.notice = `${words} “${room.view.name}”.`;
    this.remove(id);
  }

  private take(view: RoomView, fromStart = false): void {
    const known = this.find(view.id);
    const isNew = !known || known.view.version === 0;
    const room = known ?? new Room(view, this.context, fromStart);
    room.update(view);
    if (!known) this.list = [...this.list, room].toSorted((a, b) => b.view.createdAt.localeCompare(a.view.createdAt));
    if (isNew) room.subscribe();
  }

  private remove(id: string): void {
    this.find(id)?.leave();
    this.list = this.list.filter((room) => room.id !== id);
    this.context.memory.forget(id);
  }

  private async submit(
    room: Room,
    kind: RoomChange['kind'],
    name: string,
    send: Parameters<Activity['submit']>[1],
  ): Promise<void> {
    const change = { kind, name, entry: new ActivityEntry(`rooms.${kind}`, name, true) };
    room.change = change;
    await this.context.activity.submit(change.entry, send);
    settle(room);
  }
}

/** The outcome may be here before the answer to the submit: both settle a change. */
function settle(room: Room): void {
  if (room.change?.entry.status === 'succeeded') room.change = undefined;
}
