import type { Message, SubmittedAction, TidingsClient } from '#client';
import type { Action } from '#contracts';
import { ActivityEntry } from '../activity/activity-entry.svelte.ts';
import type { Activity } from '../activity/activity.svelte.ts';
import { inPlainWords, type PlainProblem } from '../problem.ts';
import { MessageEntry, type Change } from './message-entry.svelte.ts';
import { MessageList } from './message-list.svelte.ts';

/** Few enough to have the connections in view below them on a narrow screen. */
const PAGE = 8;

/**
 * The user's messages, changed at once and confirmed by outcomes. An outcome may come twice (two
 * connections) and before the answer to the submit: so both settle a change.
 */
export class Messages {
  isLoaded = $state(false);
  problem: PlainProblem | undefined = $state.raw();
  private next: string | null = $state(null);
  private readonly list = new MessageList();
  private readonly client: TidingsClient;
  private readonly activity: Activity;
  private readonly author: string;

  constructor(client: TidingsClient, activity: Activity, author: string) {
    this.client = client;
    this.activity = activity;
    this.author = author;
  }

  get entries(): readonly MessageEntry[] {
    return this.list.entries;
  }

  get hasMore(): boolean {
    return this.next !== null;
  }

  /** Reads the newest ones, again too. */
  load(): Promise<void> {
    return this.reading(async () => {
      const before = this.list.entries;
      const { data, next } = await this.client.messages.list({ limit: PAGE });
      this.list.takeNewest(data, before, next === null);
      if (!this.isLoaded) this.next = next;
      this.isLoaded = true;
    });
  }

  loadMore(): Promise<void> {
    return this.reading(async () => {
      if (this.next === null) return;
      const { data, next } = await this.client.messages.list({ limit: PAGE, after: this.next });
      for (const message of data) this.list.take(message);
      this.next = next;
    });
  }

  create(text: string): Promise<void> {
    const now = new Date().toISOString();
    const entry = new MessageEntry({
      id: crypto.randomUUID(),
      author: this.author,
      roomId: null,
      text,
      version: 0,
      createdAt: now,
      updatedAt: now,
    });
    this.list.add(entry);
    return this.submit(entry, 'create', text, () => this.client.messages.create({ text }, { id: entry.message.id }));
  }

  /** @param version the one that was edited */
  edit(entry: MessageEntry, text: string, version: number): Promise<void> {
    const { id } = entry.message;
    return this.submit(entry, 'edit', text, () => this.client.messages.edit(id, { text }, { ifMatch: version }));
  }

  delete(entry: MessageEntry): Promise<void> {
    const { id, text, version } = entry.message;
    return this.submit(entry, 'delete', text, () => this.client.messages.delete(id, { ifMatch: version }));
  }

  /** Submits a change that was not made once more, now of the version that is shown. */
  tryAgain(entry: MessageEntry): Promise<void> {
    const { kind, text } = entry.change!;
    if (kind === 'edit') return this.edit(entry, text, entry.message.version);
    if (kind === 'delete') return this.delete(entry);
    this.list.remove(entry);
    return this.create(text);
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
    if (current) this.list.take(current);
    else if (status === 'succeeded') this.list.drop(resource.id);
    this.settle(this.list.find(resource.id));
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
    if (entry?.change?.entry.status === 'succeeded') entry.change = undefined;
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
