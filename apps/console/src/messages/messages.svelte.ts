import type { Message, SubmittedAction, TidingsClient } from '#client';
import type { Action } from '#contracts';
import { ActivityEntry } from '../activity/activity-entry.svelte.ts';
import type { Activity } from '../activity/activity.svelte.ts';
import { inPlainWords, type PlainProblem } from '../problem.ts';
import { MessageEntry, type Change } from './message-entry.svelte.ts';

/** Few enough to have the connections in view below them. */
const PAGE = 8;

/**
 * The user's messages, the newest first, changed at once and confirmed by the outcomes.
 * Outcomes may come twice (two connections, a replay) and before the answer to the submit:
 * versions and the state of the action decide, not the arrival.
 */
export class Messages {
  entries: readonly MessageEntry[] = $state.raw([]);
  isLoaded = $state(false);
  problem: PlainProblem | undefined = $state.raw();
  private next: string | null = $state(null);
  private readonly client: TidingsClient;
  private readonly activity: Activity;
  /** Deleted here: a list that was asked for earlier may still have them. */
  private readonly deleted = new Set<string>();

  constructor(client: TidingsClient, activity: Activity) {
    this.client = client;
    this.activity = activity;
  }

  get hasMore(): boolean {
    return this.next !== null;
  }

  /** Reads the newest ones again. */
  load(): Promise<void> {
    return this.read();
  }

  loadMore(): Promise<void> {
    return this.next === null ? Promise.resolve() : this.read(this.next);
  }

  create(text: string): Promise<void> {
    const now = new Date().toISOString();
    const entry = new MessageEntry({ id: crypto.randomUUID(), text, version: 0, createdAt: now, updatedAt: now });
    this.entries = [entry, ...this.entries];
    return this.send(entry, 'create', text, () => this.client.messages.create({ text }, { id: entry.message.id }));
  }

  /** @param version the one that was edited */
  edit(entry: MessageEntry, text: string, version: number): Promise<void> {
    const { id } = entry.message;
    return this.send(entry, 'edit', text, () => this.client.messages.edit(id, { text }, { ifMatch: version }));
  }

  delete(entry: MessageEntry): Promise<void> {
    const { id, text, version } = entry.message;
    return this.send(entry, 'delete', text, () => this.client.messages.delete(id, { ifMatch: version }));
  }

  /** Forgets a change that was not made. */
  dismiss(entry: MessageEntry): void {
    entry.change = undefined;
    if (entry.message.version === 0) this.remove(entry);
  }

  /** Takes in an outcome, of this page or another device. */
  ended({ type, status, resource, response, error }: Action): void {
    if (!type.startsWith('messages.')) return;
    if (status === 'succeeded' && type === 'messages.delete') this.deleted.add(resource.id);
    const current = (status === 'succeeded' ? response : error?.current) as Message | null | undefined;
    if (current) this.take(current);
    const entry = this.find(resource.id);
    if (!entry) return;
    this.settle(entry);
    if (this.deleted.has(resource.id)) this.remove(entry);
  }

  private async send<View>(
    entry: MessageEntry,
    kind: Change['kind'],
    text: string,
    submit: () => Promise<SubmittedAction<View>>,
  ): Promise<void> {
    const change = { kind, text, entry: new ActivityEntry(`messages.${kind}`, text, true) };
    entry.change = change;
    await this.activity.submit(change.entry, submit);
    this.settle(entry);
  }

  private settle(entry: MessageEntry): void {
    if (entry.change?.entry.status === 'succeeded') entry.change = undefined;
  }

  private async read(after?: string): Promise<void> {
    try {
      const page = await this.client.messages.list({ limit: PAGE, ...(after !== undefined && { after }) });
      for (const message of page.data) this.take(message);
      if (after !== undefined || !this.isLoaded) this.next = page.next;
      this.isLoaded = true;
      this.problem = undefined;
    } catch (error) {
      this.problem = inPlainWords(error);
    }
  }

  private take(message: Message): void {
    if (this.deleted.has(message.id)) return;
    const known = this.find(message.id);
    if (known) known.update(message);
    else this.entries = [...this.entries, new MessageEntry(message)].toSorted(newestFirst);
  }

  private find(id: string): MessageEntry | undefined {
    return this.entries.find(({ message }) => message.id === id);
  }

  private remove(entry: MessageEntry): void {
    this.entries = this.entries.filter((other) => other !== entry);
  }
}

function newestFirst({ message: a }: MessageEntry, { message: b }: MessageEntry): number {
  return b.createdAt.localeCompare(a.createdAt);
}
