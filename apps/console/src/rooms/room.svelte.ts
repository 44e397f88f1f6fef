import type { TidingsClient } from '#client';
import { roomChannel, type EphemeralEnvelope, type Envelope } from '#contracts';
import type { ActivityEntry } from '../activity/activity-entry.svelte.ts';
import type { Activity } from '../activity/activity.svelte.ts';
import type { Api } from '../api/api.ts';
import { Messages } from '../messages/messages.svelte.ts';
import { inPlainWords, type PlainProblem } from '../problem.ts';
import { Members } from './members.svelte.ts';
import { roomEventOf, type RoomEvent } from './room-event.ts';
import type { RoomLine } from './room-line.svelte.ts';
import type { RoomMemory, RoomPosition } from './room-memory.ts';
import type { RoomView } from './room-view.ts';

const PAGE = 50;
const KEPT_EVENTS = 100;

export interface RoomContext {
  client: TidingsClient;
  activity: Activity;
  api: Api;
  line: RoomLine;
  memory: RoomMemory;
  userId: string;
}

/** What was replayed after the last reconnect. */
export interface Replay {
  first: number;
  last: number;
  count: number;
}

/** A change of the room itself that is not confirmed yet, or was not made. */
export interface RoomChange {
  kind: 'create' | 'edit' | 'delete';
  name: string;
  entry: ActivityEntry;
}

/** A room of the user: its events make its state, from the position where the last ones ended. */
export class Room {
  view: RoomView = $state.raw(undefined!);
  change: RoomChange | undefined = $state.raw();
  unread = $state(0);
  /** The newest first. */
  events: readonly RoomEvent[] = $state.raw([]);
  replay: Replay | undefined = $state.raw();
  problem: PlainProblem | undefined = $state.raw();
  readonly messages: Messages;
  readonly members: Members;
  private readonly context: RoomContext;
  private position: RoomPosition | undefined;
  private isOpen = false;

  constructor(view: RoomView, context: RoomContext) {
    const { client, activity, api, userId, memory } = context;
    this.view = view;
    this.context = context;
    this.messages = new Messages({ client, activity, author: userId, pageSize: PAGE, roomId: view.id });
    this.members = new Members(view.id, api, activity);
    this.position = memory.read(view.id);
    this.unread = this.position?.unread ?? 0;
  }

  get id(): string {
    return this.view.id;
  }

  get name(): string {
    return this.change?.kind === 'edit' && this.change.entry.isOpen ? this.change.name : this.view.name;
  }

  get isManaged(): boolean {
    return this.view.creator === this.context.userId;
  }

  update(view: RoomView): void {
    if (view.version > this.view.version) this.view = view;
  }

  /**
   * Subscribes, or does so again, from where it was.
   *
   * @param fromStart without a position: from where the membership begins
   */
  async subscribe(fromStart = false): Promise<void> {
    const { line } = this.context;
    const channel = roomChannel(this.id);
    this.forgetReplay();
    try {
      const answer = await line.subscribe(channel, this.position?.cursor ?? (fromStart ? '0' : undefined));
      if (!answer.ok) {
        this.problem = inPlainWords(answer.problem);
        return;
      }
      this.problem = undefined;
      if (!answer.recovered && this.position) this.position = undefined;
      this.position ??= { cursor: answer.cursor, offset: 0, seen: 0, unread: 0 };
      if (!this.messages.isLoaded || !answer.recovered) await Promise.all([this.messages.load(), this.members.load()]);
      const present = await line.presence(channel);
      this.members.present = present.ok ? new Set(present.users) : undefined;
    } catch {
      // Disconnected meanwhile: the next connection subscribes again.
    }
  }

  open(): void {
    this.isOpen = true;
    this.see();
  }

  close(): void {
    this.isOpen = false;
  }

  heard(event: Envelope | EphemeralEnvelope): void {
    if (!('offset' in event)) return this.heardEphemeral(event);
    // The first one may overtake the answer to the subscription, which then has nothing to add.
    this.position ??= { cursor: event.cursor, offset: 0, seen: 0, unread: 0 };
    if (event.offset <= this.position.offset) return;
    this.note(event);
    this.apply(event);
    const isNews =
      event.type === 'message.created' && (event.data as { author: string }).author !== this.context.userId;
    const { seen, unread } = this.position;
    this.position = { cursor: event.cursor, offset: event.offset, seen, unread: unread + (isNews ? 1 : 0) };
    this.see();
  }

  /** The user has seen what is marked. */
  forgetReplay(): void {
    this.replay = undefined;
    this.messages.forgetReplay();
  }

  private apply({ type, data, replayed }: Envelope): void {
    if (type.startsWith('message.')) this.messages.heard(type, data as { id: string }, replayed === true);
    else if (type === 'room.edited') this.update(data as RoomView);
    else if (type === 'room.memberAdded') this.members.added((data as { userId: string }).userId);
    else if (type === 'room.memberRemoved') this.members.removed((data as { userId: string }).userId);
  }

  private note(event: Envelope): void {
    const gone = this.messages.find((event.data as { id?: string }).id ?? '');
    this.events = [roomEventOf(event, gone), ...this.events].slice(0, KEPT_EVENTS);
    if (!event.replayed) return;
    const { first = event.offset, count = 0 } = this.replay ?? {};
    this.replay = { first, last: event.offset, count: count + 1 };
  }

  private heardEphemeral({ type, data }: EphemeralEnvelope): void {
    const { userId } = data as { userId: string };
    if (type === 'presence.joined') this.members.joined(userId);
    if (type === 'presence.left') this.members.left(userId);
  }

  private see(): void {
    if (!this.position) return;
    if (this.isOpen) this.position = { ...this.position, seen: this.position.offset, unread: 0 };
    this.unread = this.position.unread;
    this.context.memory.write(this.id, this.position);
  }
}
