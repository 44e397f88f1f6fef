import type { Message } from '#client';
import { MessageEntry } from './message-entry.svelte.ts';

/** Most that are shown unless somebody asks for older ones: a page cannot bear thousands. */
const MOST = 100;

/**
 * Messages, the newest first, put together from pages of the api and from outcomes. Both may be
 * late or come twice: the version decides, and what was deleted stays so.
 */
export class MessageList {
  entries: readonly MessageEntry[] = $state.raw([]);
  private most = $state(MOST);
  readonly shown = $derived(this.entries.slice(0, this.most));
  /** Whether a new one takes the place of the oldest shown: not while somebody reads there. */
  isSliding = true;
  private readonly deleted = new Set<string>();

  get hasHidden(): boolean {
    return this.most < this.entries.length;
  }

  show(most: number): void {
    this.most = most;
  }

  find(id: string): MessageEntry | undefined {
    return this.entries.find(({ message }) => message.id === id);
  }

  add(entry: MessageEntry): void {
    this.entries = [...this.entries, entry].toSorted(newestFirst);
    this.most = this.isSliding ? MOST : this.most + 1;
  }

  remove(entry: MessageEntry): void {
    this.entries = this.entries.filter((other) => other !== entry);
  }

  /** Removes what is no more; what is being edited stays until that has ended. */
  leave(entry: MessageEntry): void {
    if (entry.editing) entry.isGone = true;
    else this.remove(entry);
  }

  /** Takes in a state of a message, unless it was deleted; gives its entry. */
  take(message: Message): MessageEntry | undefined {
    if (this.deleted.has(message.id)) return undefined;
    const known = this.find(message.id);
    if (!known) {
      const entry = new MessageEntry(message);
      this.add(entry);
      return entry;
    }
    // Its place may be another one: by the clock of the server.
    if (known.update(message)) this.entries = this.entries.toSorted(newestFirst);
    return known;
  }

  /** Takes in that a message is no more. */
  drop(id: string): void {
    this.deleted.add(id);
    const known = this.find(id);
    if (known) this.leave(known);
  }

  /** Takes in that a message is no more, and keeps its place. */
  bury(id: string): void {
    this.deleted.add(id);
    const known = this.find(id);
    if (!known) return;
    known.replayed = 'deleted';
    known.isGone = known.editing !== undefined;
  }

  /**
   * Takes in the newest page.
   *
   * @param before the entries when it was asked for: of those, what it should have and has not is gone
   * @param isWhole there are no older ones
   */
  takeNewest(page: readonly Message[], before: readonly MessageEntry[], isWhole: boolean): void {
    const oldest = isWhole ? '' : (page.at(-1)?.createdAt ?? '');
    const present = new Set(page.map(({ id }) => id));
    const isGone = ({ message, change }: MessageEntry): boolean =>
      !change && message.createdAt > oldest && !present.has(message.id);
    for (const entry of before.filter(isGone)) this.leave(entry);
    for (const message of page) this.take(message);
  }
}

/** What is not confirmed yet is the newest. */
function newestFirst({ message: a }: MessageEntry, { message: b }: MessageEntry): number {
  const isPending = Number(b.version === 0) - Number(a.version === 0);
  if (isPending !== 0 || a.createdAt === b.createdAt) return isPending;
  return a.createdAt < b.createdAt ? 1 : -1;
}
