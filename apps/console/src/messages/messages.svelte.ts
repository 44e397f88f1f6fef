import { v7 as uuid } from 'uuid';
import type { Message, Page, SubmittedAction, TidingsClient } from '#client';
import type { Action } from '#contracts';
import { ActivityEntry } from '../activity/activity-entry.svelte.ts';
import type { Activity } from '../activity/activity.svelte.ts';
import { inPlainWords, type PlainProblem } from '../problem.ts';
import { MessageEntry, type Change } from './message-entry.svelte.ts';
import { MessageList } from './message-list.svelte.ts';

export interface MessagesOptions {
  client: TidingsClient;
  activity: Activity;
  /** The user. */
  author: string;
  pageSize: number;
  /** The room they are in; else they are the user's own. */
  roomId?: string;
}

/**
 * Messages of the user or of a room, changed at once and confirmed by outcomes. An outcome may come twice (two
 * connections) and before the answer to the submit: so both settle a change.
 */
export class Messages {
  isLoaded = $state(false);
  problem: PlainProblem | undefined = $state.raw();
  /** What is being written. */
  draft = $state('');
  private next: string | null = $state(null);
  private readonly list = new MessageList();
  readonly author: string;
  readonly roomId: string | null;
  private readonly client: TidingsClient;
  private readonly activity: Activity;
  private readonly pageSize: number;

  constructor({ client, activity, author, pageSize, roomId }: MessagesOptions) {
    this.client = client;
    this.activity = activity;
    this.author = author;
    this.pageSize = pageSize;
    this.roomId = roomId ?? null;
  }

  get entries(): readonly MessageEntry[] {
    return this.list.shown;
  }

  get hasMore(): boolean {
    return this.next !== null || this.list.hasHidden;
  }

  /** @param isAtNewest else older ones are read, and stay where they are */
  look(isAtNewest: boolean): void {
    this.list.isSliding = isAtNewest;
  }

  /** Reads the newest ones, again too. */
  load(): Promise<void> {
    return this.reading(async () => {
      const before = this.list.entries;
      const { data, next } = await this.page();
      this.list.takeNewest(data, before, next === null);
      for (const entry of this.list.entries) this.settle(entry);
      if (!this.isLoaded) this.next = next;
      this.isLoaded = true;
    });
  }

  loadMore(): Promise<void> {
    return this.reading(async () => {
      const { shown, hasHidden } = this.list;
      if (!hasHidden && this.next !== null) {
        const { data, next } = await this.page(this.next);
        for (const message of data) this.list.take(message);
        this.next = next;
      }
      this.list.show(shown.length + this.pageSize);
    });
  }

  create(text: string): Promise<void> {
    const now = new Date().toISOString();
    const entry = new MessageEntry({
      id: uuid(),
      author: this.author,
      roomId: this.roomId,
      text,
      version: 0,
      createdAt: now,
      updatedAt: now,
    });
    this.list.add(entry);
    return this.submitCreate(entry);
  }

  /** @param version the one that was edited */
  private edit(entry: MessageEntry, text: string, version: number): Promise<void> {
    const { id } = entry.message;
    return this.submit(entry, 'edit', text, () => this.client.messages.edit(id, { text }, { ifMatch: version }));
  }

  delete(entry: MessageEntry): Promise<void> {
    const { id, text, version } = entry.message;
    return this.submit(entry, 'delete', text, () => this.client.messages.delete(id, { ifMatch: version }));
  }

  openEditor(entry: MessageEntry, text = entry.message.text): void {
    entry.editing = { text, version: entry.message.version };
  }

  closeEditor(entry: MessageEntry): void {
    entry.editing = undefined;
    if (entry.isGone) this.list.remove(entry);
  }

  /** Submits what was written in the editor, and closes it. */
  save(entry: MessageEntry): Promise<void> {
    const { editing, change, message, isGone } = entry;
    const { text, version } = editing!;
    this.closeEditor(entry);
    if (isGone) return this.create(text);
    if (change?.kind === 'create') {
      // Another one: should the first one be there after all, both are seen.
      this.list.remove(entry);
      return this.create(text);
    }
    const isAsItIs = text === message.text && change?.kind !== 'edit';
    return isAsItIs ? Promise.resolve() : this.edit(entry, text, version);
  }

  /** Submits a change that was not made once more, now of the version that is shown. */
  tryAgain(entry: MessageEntry): Promise<void> {
    const { kind, text } = entry.change!;
    if (kind === 'edit') return this.edit(entry, text, entry.message.version);
    if (kind === 'delete') return this.delete(entry);
    // With the same id: should the first one have been accepted after all, there will not be two.
    return this.submitCreate(entry);
  }

  /** Forgets a change that was not made. */
  dismiss(entry: MessageEntry): void {
    const isThere = entry.message.version > 0 && entry.change?.entry.problem?.code !== 'NOT_FOUND';
    entry.change = undefined;
    if (!isThere) this.list.remove(entry);
  }

  /** Takes in an outcome, of this page or another device. */
  ended({ type, status, resource, response, error }: Action): void {
    if (!type.startsWith('messages.')) return;
    const current = (status === 'succeeded' ? response : error?.current) as Message | null | undefined;
    if (current && current.roomId !== this.roomId) return;
    if (current) this.list.take(current);
    else if (status === 'succeeded') this.list.drop(resource.id);
    this.settle(this.list.find(resource.id));
  }

  find(id: string): Message | undefined {
    return this.list.find(id)?.message;
  }

  /** Takes in an event of the room. */
  heard(type: string, data: { id: string }, replayed: boolean): void {
    if (type === 'message.deleted') {
      // What went away unseen leaves a trace until the user has seen that.
      if (replayed && this.find(data.id)?.author !== this.author) this.list.bury(data.id);
      else this.list.drop(data.id);
      return;
    }
    const entry = this.list.take(data as Message);
    if (entry && replayed) entry.replayed = type === 'message.edited' ? 'edited' : 'created';
  }

  /** The user has seen what came by a replay. */
  forgetReplay(): void {
    for (const entry of this.list.entries) {
      if (entry.isBuried) this.list.leave(entry);
      entry.replayed = undefined;
    }
  }

  private page(after?: string): Promise<Page<Message>> {
    const query = { limit: this.pageSize, ...(after !== undefined && { after }) };
    return this.client.messages.list(this.roomId === null ? query : { ...query, ...{ roomId: this.roomId } });
  }

  private submitCreate(entry: MessageEntry): Promise<void> {
    const { id, text, roomId } = entry.message;
    const payload = roomId === null ? { text } : { text, roomId };
    return this.submit(entry, 'create', text, () => this.client.messages.create(payload, { id }));
  }

  private async submit<View>(
    entry: MessageEntry,
    kind: Change['kind'],
    text: string,
    send: () => Promise<SubmittedAction<View>>,
  ): Promise<void> {
    const change = { kind, text, entry: new ActivityEntry(`messages.${kind}`, text, true) };
    entry.change = change;
    await this.activity.submit(change.entry, send);
    this.settle(entry);
  }

  private settle(entry: MessageEntry | undefined): void {
    const change = entry?.change;
    if (!change) return;
    // The answer to a submit may be lost, and the message be created.
    const isThere = change.kind === 'create' && entry.message.version > 0;
    if (isThere || change.entry.status === 'succeeded') entry.change = undefined;
  }

  private async reading(read: () => Promise<void>): Promise<void> {
    try {
      await read();
      this.problem = undefined;
    } catch (error) {
      this.problem = inPlainWords(error);
    }
  }
}
