import type { Subscription, TidingsClient } from '#client';
import { roomChannel, type EphemeralEnvelope, type Envelope } from '#contracts';
import type { ActivityEntry } from '../activity/activity-entry.svelte.ts';
import type { Activity } from '../activity/activity.svelte.ts';
import { Messages } from '../messages/messages.svelte.ts';
import type { PlainProblem } from '../problem.ts';
import { Members } from './members.svelte.ts';
import { roomEventOf, type RoomEvent } from './room-event.ts';
import type { RoomMemory, RoomNotes } from './room-memory.ts';
import type { RoomView } from './room-view.ts';

const PAGE = 50;
const KEPT_EVENTS = 100;

export interface RoomContext {
  client: TidingsClient;
  activity: Activity;
  memory: RoomMemory;
  userId: string;
  /** The server brings it no more: it was deleted, or the user is out. */
  lost: (room: Room) => void;
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

/**
 * A room of the user. It is heard all the time and read when it is opened: a user may be in
 * hundreds. What was read is kept up to date by the events.
 */
export class Room {
  view: RoomView = $state.raw(undefined!);
  change: RoomChange | undefined = $state.raw();
  unread = $state(0);
  /** The newest first. */
  events: readonly RoomEvent[] = $state.raw([]);
  replay: Replay | undefined = $state.raw();
  readonly messages: Messages;
  readonly members: Members;
  private readonly context: RoomContext;
  private notes: RoomNotes;
  private subscription: Subscription | undefined;
  /** It is heard from the start of the membership: the user came in a moment ago. */
  private fromStart: boolean;
  private isHeard = false;
  /** What was read may lack what came before it was heard. */
  private isStale = true;
  private isOpen = false;

  constructor(view: RoomView, context: RoomContext, fromStart = false) {
    const { client, activity, userId, memory } = context;
    this.view = view;
    this.context = context;
    this.messages = new Messages({ client, activity, author: userId, pageSize: PAGE, roomId: view.id });
    this.members = new Members({ roomId: view.id, client, activity });
    this.notes = memory.read(view.id);
    this.unread = this.notes.unread;
    this.fromStart = fromStart;
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

  /** Why it cannot be shown as it is. */
  get problem(): PlainProblem | undefined {
    return this.messages.problem ?? this.members.problem;
  }

  /** Hears it, in each session anew: then it is known when what the session missed begins. */
  subscribe(): void {
    const { client, lost } = this.context;
    this.forgetReplay();
    this.leave();
    const subscription = client.subscribe(roomChannel(this.id), undefined, this.fromStart ? { after: '0' } : {});
    this.subscription = subscription;
    subscription.ready.then(
      ({ recovered }) => this.begun(recovered),
      // Told by its end.
      () => undefined,
    );
    void subscription.ended.then((error) => {
      if (error && this.subscription === subscription) lost(this);
    });
  }

  leave(): void {
    this.subscription?.unsubscribe();
    this.subscription = undefined;
  }

  open(): void {
    this.isOpen = true;
    this.see();
    void this.refresh();
  }

  close(): void {
    this.isOpen = false;
  }

  heard(event: Envelope | EphemeralEnvelope): void {
    if (!('offset' in event)) return this.heardEphemeral(event);
    this.note(event);
    this.apply(event);
    const isNews =
      event.type === 'message.created' && (event.data as { author: string }).author !== this.context.userId;
    const { offset, unread } = this.notes;
    if (event.offset > offset) this.notes = { offset: event.offset, unread: unread + (isNews ? 1 : 0) };
    this.see();
  }

  /** Reads it, again too. */
  async load(): Promise<void> {
    const { isHeard } = this;
    await Promise.all([this.messages.load(), this.members.load()]);
    if (isHeard && !this.problem) this.isStale = false;
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

  private begun(recovered: boolean): void {
    if (!recovered || !this.isHeard) this.isStale = true;
    // The offsets may be those of another history.
    if (!recovered) this.notes = { ...this.notes, offset: 0 };
    this.isHeard = true;
    this.fromStart = false;
    if (this.isOpen) void this.refresh();
  }

  private async refresh(): Promise<void> {
    // It is not there yet.
    if (this.view.version === 0) return;
    if (this.isStale) await this.load();
    await this.members.lookAround();
  }

  private see(): void {
    if (this.isOpen) this.notes = { ...this.notes, unread: 0 };
    this.unread = this.notes.unread;
    this.context.memory.write(this.id, this.notes);
  }
}
